#!/bin/sh
# time-out: 300
# encode: what goes in comes out exactly, whatever it is; broken files, full disks, signals.
. tests/lib.sh

cd "$work" || exit 1
make_with() {
    ffmpeg -v error -nostdin -y "$@" </dev/null
}

# exact NAME INPUT...: encodes and verifies; the recording stays as NAME.fsr.
exact() {
    lib_name_of=$1
    shift
    exits "$lib_name_of: encode" 0 "$farspan" encode "$@" -o "$lib_name_of.fsr"
    exits "$lib_name_of: verify" 0 "$farspan" encode --verify "$lib_name_of.fsr" "$@"
}

# Photos, with noise in them; a PNG that ImageMagick finds no pixel of different.
photo="mandelbrot=s=400x300:start_scale=0.02,noise=alls=12:allf=t"
make_with -f lavfi -i "$photo" -frames:v 1 photo.png
make_with -i photo.png -q:v 3 photo.jpg
make_with -i photo.png photo.bmp
exact photo photo.png
is "mode 0600" "$(stat -c %a photo.fsr)" 600
exits "decode to png" 0 "$farspan" encode --decode photo.fsr -o back.png
is "compare finds no pixel" "$(compare -metric AE photo.png back.png null: 2>&1)" 0
exact jpeg photo.jpg
exits "decode the jpeg" 0 "$farspan" encode --decode jpeg.fsr -o back.png
exact bmp photo.bmp
exits "bmp and png are the same picture" 0 "$farspan" encode --verify photo.fsr photo.bmp
exits "jpeg is another one" 5 "$farspan" encode --verify photo.fsr photo.jpg
like "and where is said" "$(cat err)" "frame 0 differs at x [0-9]+, y [0-9]+: recorded"

# One pixel altered in one frame of many.
make_with -f lavfi -i testsrc2=s=120x80:r=25 -frames:v 9 -f image2pipe -vcodec ppm few.ppm
exact few few.ppm
python3 - <<'X'
data = bytearray(open("few.ppm", "rb").read())
frame = len(data) // 9
data[6 * frame + (frame - 120 * 80 * 3) + 3 * (41 * 120 + 17)] ^= 1
open("other.ppm", "wb").write(data)
X
exits "one altered pixel" 5 "$farspan" encode --verify few.fsr other.ppm --json
is "has a frame" "$(head -n 1 out | field frame)" 6
is "an x" "$(head -n 1 out | field x)" 17
is "a y" "$(head -n 1 out | field y)" 41
is "and an error as the last line" "$(tail -n 1 out | field exit)" 5
head -c $(($(stat -c %s few.ppm) / 9 * 8)) few.ppm >fewer.ppm
exits "one frame too many" 5 "$farspan" encode --verify few.fsr fewer.ppm
exits "one frame too few" 5 "$farspan" encode --verify few.fsr few.ppm few.ppm

# A screen with text on it.
x_server 800x600
start xterm xterm -geometry 100x40+20+20 -e 'ls -l /usr/lib | head -n 60; sleep 60'
check "a screen with text" within 20 \
    sh -c 'import -window root shot.png && [ "$(identify -format %k shot.png)" -gt 1 ]'
exact shot shot.png
exits "decode the screen" 0 "$farspan" encode --decode shot.fsr -o back.png
is "compare finds no pixel" "$(compare -metric AE shot.png back.png null: 2>&1)" 0

# Streams, from a pipe and from files.
make_with -f lavfi -i testsrc2=s=320x240:r=25 -frames:v 200 -f image2pipe -vcodec ppm film.ppm
exits "200 frames from a pipe" 0 sh -c \
    'cat film.ppm | "$1" encode - -o film.fsr --fps 25 --json' sh "$farspan"
is "all of them" "$(tail -n 1 out | field frames)" 200
exits "verify" 0 sh -c 'cat film.ppm | "$1" encode --verify film.fsr -' sh "$farspan"
exits "decode to ppm" 0 "$farspan" encode --decode film.fsr -o film2.ppm
check "the same file" cmp film.ppm film2.ppm
exits "one frame" 0 "$farspan" encode --decode film.fsr -o one.ppm --frame 123
make_with -i film.ppm -vf 'select=eq(n\,123)' -frames:v 1 -f image2pipe -vcodec ppm wanted.ppm
check "is that frame" cmp one.ppm wanted.ppm
exits "a png of many frames" 2 "$farspan" encode --decode film.fsr -o one.png
exits "a frame that is not there" 2 "$farspan" encode --decode film.fsr -o one.png --frame 200
exits "to lossy y4m" 0 "$farspan" encode --decode film.fsr -o film.y4m
like "which says so" "$(cat err)" "loses"
check "with times" grep -aq 'FRAME Xt_us=80000$' film.y4m
is "that ffmpeg can read" "$(ffprobe -v error -count_frames -show_entries \
    stream=nb_read_frames,pix_fmt,color_range,r_frame_rate -of csv=p=0 film.y4m)" \
    "yuv444p,pc,25/1,200"

for planes in yuv420p yuv422p yuv444p yuv411p gray; do
    make_with -f lavfi -i testsrc2=s=161x91:r=30000/1001 -frames:v 12 -pix_fmt $planes \
        -strict -1 $planes.y4m
    exact $planes $planes.y4m
    exits "$planes: decode" 0 "$farspan" encode --decode $planes.fsr -o back.y4m
    check "$planes: the same file" cmp $planes.y4m back.y4m
done
exits "planes are not RGB" 5 "$farspan" encode --verify few.fsr yuv420p.y4m
exits "planes to png" 0 "$farspan" encode --decode yuv420p.fsr -o back.png --frame 3
like "lossy, which is said" "$(cat err)" "loses"

# Alpha, and sizes at the edges.
make_with -f lavfi -i "testsrc2=s=130x70,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='X*2'" \
    -frames:v 1 alpha.png
exact alpha alpha.png
exits "decode alpha" 0 "$farspan" encode --decode alpha.fsr -o back.png
is "compare finds no pixel with alpha" \
    "$(compare -channel RGBA -metric AE alpha.png back.png null: 2>&1)" 0
for size in 1x1 17x3 4097x1 1x4097; do
    make_with -f lavfi -i "nullsrc=s=$size,geq=random(1)*255:128:128,format=rgb24" -frames:v 1 \
        "$size.png"
    exact "$size" "$size.png"
    exits "$size: decode" 0 "$farspan" encode --decode "$size.fsr" -o back.png
    is "$size: compare finds no pixel" "$(compare -metric AE "$size.png" back.png null: 2>&1)" 0
done
make_with -f lavfi -i testsrc2=s=7680x4320 -frames:v 2 -f image2pipe -vcodec ppm huge.ppm
exact 7680x4320 huge.ppm
exits "7680x4320: decode" 0 "$farspan" encode --decode 7680x4320.fsr -o huge2.ppm
check "7680x4320: the same file" cmp huge.ppm huge2.ppm
rm -f huge.ppm huge2.ppm

# The report.
exits "report" 0 "$farspan" encode few.ppm -o report.fsr --lossless --report --json
is "a line a frame and a result" "$(grep -c '"event":"frame"' out)$(wc -l <out)" 910
is "exact" "$(head -n 1 out | field exact)" true
is "without psnr" "$(head -n 1 out | field psnr_db)" null
is "the first frame's bytes" "$(head -n 1 out | field bytes)" \
    "$(tail -n 1 out | field first_frame_bytes)"
is "the file's bytes" "$(tail -n 1 out | field bytes)" "$(stat -c %s report.fsr)"
check "time to decode" test "$(tail -n 1 out | field decode_cpu_us)" -gt 0
check "the same bytes on every run" cmp few.fsr report.fsr

# What is refused, and as what.
make_with -i photo.png -pix_fmt rgb48be deep.png
make_with -i photo.png -pix_fmt rgb48be -f image2pipe -vcodec ppm deep.ppm
make_with -f lavfi -i testsrc2=s=64x64 -frames:v 1 -pix_fmt yuv420p10le -strict -1 deep.y4m
make_with -f lavfi -i testsrc2=s=64x64 -frames:v 1 small.gif
for deep in deep.png deep.ppm deep.y4m; do
    exits "$deep" 2 "$farspan" encode $deep -o refused.fsr
done
exits "mixed sizes" 2 "$farspan" encode photo.png few.ppm -o refused.fsr
like "which are named" "$(cat err)" "few.ppm: a picture of 120x80 after one of 400x300"
exits "a format of others" 2 "$farspan" encode small.gif -o other.fsr
exits "a recording as input" 2 "$farspan" encode few.fsr -o other.fsr
exits "an empty file" 1 sh -c ': >empty; "$1" encode empty -o other.fsr' sh "$farspan"
exits "no such file" 1 "$farspan" encode nothing.png -o other.fsr
refuse "nothing is written for these" test -e other.fsr
exits "no output" 2 "$farspan" encode photo.png
exits "no input" 2 "$farspan" encode -o other.fsr
exits "decode to what" 2 "$farspan" encode --decode few.fsr
exits "decode to a jpeg" 2 "$farspan" encode --decode few.fsr -o few.jpg
exits "both ways" 2 "$farspan" encode --decode few.fsr --verify few.fsr -o few.png
exits "fps of what has times" 2 "$farspan" encode yuv420p.y4m --fps 5 -o other.fsr
exits "decode what is no recording" 1 "$farspan" encode --decode photo.png -o x.png
exits "the input is kept" 2 "$farspan" encode few.ppm -o few.ppm
exits "no room at all" 1 "$farspan" encode few.ppm -o /dev/full
like "which is said" "$(cat err)" "No space left on device"
cp photo.png cut.png
truncate -s 20000 cut.png
exits "a cut png" 1 "$farspan" encode cut.png -o other.fsr
head -c 100000 few.ppm >cut.ppm
exits "a cut stream" 1 "$farspan" encode cut.ppm -o cut.fsr
like "says where" "$(cat err)" "ppm image 3 is cut short at byte 100000"
exits "what was whole of it is kept" 0 "$farspan" encode --decode cut.fsr -o back.ppm
is "which are three frames" "$(stat -c %s back.ppm)" $(($(stat -c %s few.ppm) / 3))

# A disk that fills up: readable up to there.
cat >full.sh <<'X'
mkdir -p small && mount -t tmpfs -o size=256k none small || exit 99
"$1" encode film.ppm -o small/film.fsr --json
echo $? >status
cp small/film.fsr partial.fsr
umount small
X
as="unshare -m"
[ "$(id -u)" = 0 ] || as="unshare -rm"
# The root of a chroot is no mount point, and cannot be made private.
$as true 2>/dev/null || as="$as --propagation unchanged"
$as sh full.sh "$farspan" >out 2>err
is "a full disk" "$(cat status)" 1
like "is named" "$(cat err)" "No space left on device"
exits "what is there can be read" 0 "$farspan" encode --decode partial.fsr -o partial.ppm
like "and is said to be a part" "$(cat err)" "was not finished"
check "it is the beginning" cmp -n "$(stat -c %s partial.ppm)" film.ppm partial.ppm
check "of many frames" test "$(stat -c %s partial.ppm)" -gt 2000000

# Cut and flipped files: what is intact, or an error; never a wrong frame, never a crash.
python3 - "$farspan" "${FARSPAN_FULL:+full}" >damage.out <<'X'
import random, subprocess, sys
whole = open("few.fsr", "rb").read()
ppm = open("few.ppm", "rb").read()
size = len(ppm) // 9
frames = [ppm[i * size:(i + 1) * size] for i in range(9)]
random.seed(7)
bad = tried = 0
def attempt(data, what):
    global bad, tried
    tried += 1
    open("broken.fsr", "wb").write(data)
    open("broken.ppm", "wb").close()
    p = subprocess.run([sys.argv[1], "encode", "--decode", "broken.fsr", "-o", "broken.ppm"],
                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    out = open("broken.ppm", "rb").read()
    got = [out[i:i + size] for i in range(0, len(out), size)]
    at, right = 0, True
    for g in got:  # what comes is a subsequence of what went in
        while at < 9 and frames[at] != g:
            at += 1
        right = right and at < 9
    if p.returncode not in (0, 1) or (p.returncode == 1 and not p.stderr) or not right:
        bad += 1
        print(what, p.returncode, p.stderr, len(got))
count = 400 if len(sys.argv) > 2 and sys.argv[2] else 40
for cut in random.sample(range(len(whole)), count):
    attempt(whole[:cut], "cut at %d" % cut)
for bit in random.sample(range(8 * len(whole)), count):
    data = bytearray(whole)
    data[bit // 8] ^= 1 << bit % 8
    attempt(bytes(data), "bit %d" % bit)
print("tried %d, bad %d" % (tried, bad))
X
like "damaged files" "$(tail -n 1 damage.out)" "^tried [0-9]+, bad 0$"

# A signal ends the work; what was recorded is whole.
mkfifo pipe
start waiting "$farspan" encode pipe -o waiting.fsr --json
encoder=$pid
start feeder sh -c 'exec 3>pipe; cat few.ppm >&3; exec sleep 60'
within 20 "$farspan" encode --verify waiting.fsr few.ppm
kill -INT "$encoder"
wait "$encoder"
is "interrupted" "$?" 130
is "the error is the last event" "$(tail -n 1 waiting | field exit)" 130
exits "what was recorded" 0 "$farspan" encode --decode waiting.fsr -o waiting.ppm
refuse "was finished" grep -q "not finished" err
check "and is the beginning" cmp -n "$(stat -c %s waiting.ppm)" few.ppm waiting.ppm
finish
