#include "cmd/cmd.h"
#include "core/run/run_encode.h"

static const struct arg args[] = {
    {"INPUT", OPT_LIST(run_encode_config, inputs),
     "a picture (PNG, JPEG, BMP), a stream of ppm (P6) images, or y4m video; - is standard input",
     true},
    {0},
};

static const struct opt options[] = {
    {"output", 'o', OPT_STRING(run_encode_config, output), "FILE",
     "the recording to write, or with --decode the .png, .ppm or .y4m"},
    {"decode", 0, OPT_STRING(run_encode_config, decode), "FILE.fsr",
     "turn this recording back into pictures"},
    {"verify", 0, OPT_STRING(run_encode_config, verify), "FILE.fsr",
     "compare this recording with the inputs, pixel by pixel; exit 5 when something differs"},
    {"frame", 0, OPT_STRING(run_encode_config, frame), "N",
     "decode only this frame, counted from 0; needed for the .png of a recording with several"},
    {"lossless", 0, OPT_FLAG(run_encode_config, lossless), NULL,
     "keep every pixel exactly, which this release always does"},
    {"fps", 0, OPT_NUMBER(run_encode_config, fps), "N",
     "frames a second of inputs that carry no times (without it: 30)", .min = 1, .max = 1000},
    {"report", 0, OPT_FLAG(run_encode_config, report), NULL,
     "say for each frame what it cost, and read the recording back"},
    {0},
};

static const char *const forms[] = {
    "INPUT... -o FILE.fsr [--lossless] [--fps N] [--report]",
    "--decode FILE.fsr -o FILE.(png|ppm|y4m) [--frame N]",
    "--verify FILE.fsr INPUT...",
    NULL,
};

static const char *const about[] = {
    "Writes pictures and video to a recording (.fsr) from which they come back exactly: the pixels "
    "that stb_image gives for a PNG, JPEG or BMP with its alpha, the samples of a ppm, the planes "
    "of a y4m. Only 8 bits a sample are taken, and all pictures must be of one size (exit 2). "
    "Several inputs follow each other.",
    "A recording has mode 0600. It is readable up to its last whole frame while it is written, "
    "when "
    "the disk is full (exit 1) and when a signal ends the work (exit 128+n). Decoding leaves out "
    "the frames that are damaged, names the place, and exits 1; each frame that it writes is "
    "proven "
    "by its hash.",
    "To .png and .ppm recordings of y4m are converted, and those of pictures to .y4m: that loses, "
    "and a warning says so.",
    NULL,
};

static const struct cmd_example examples[] = {
    {"farspan encode shot.png -o shot.fsr", "records one picture"},
    {"ffmpeg -i film.mp4 -f image2pipe -vcodec ppm - | farspan encode - -o film.fsr --fps 25",
     "records what another program decodes"},
    {"farspan encode --decode film.fsr -o still.png --frame 100", "gets one frame back"},
    {"farspan encode --verify film.fsr film.y4m --json", "proves that nothing was lost"},
    {0},
};

static enum err encode(void *config, struct run *run)
{
    return run_encode(config, run);
}

const struct cmd cmd_encode = {
    .name = "encode",
    .summary = "turn pictures and video into a recording, and back, exactly",
    .forms = forms,
    .about = about,
    .args = args,
    .options = options,
    .examples = examples,
    .config_bytes = sizeof(struct run_encode_config),
    .run = encode,
};
