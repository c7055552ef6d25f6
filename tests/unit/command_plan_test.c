/* command_line, command_rules, command_plan: what a QEMU of another host was started with is read,
 * what is harmless is kept, and everything else is refused by name. */
#include "core/qemu/command_plan.h"

#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/qemu/command_owner.h"
#include "tests/unit/test.h"

enum { TEXT = 8192 };

static struct command_line line;
static struct command_rules rules;
static struct command_plan plan;
static char words[TEXT], problems[TEXT];
static unsigned told;

static void tell(void *ctx, const char *text)
{
    size_t n = strlen(problems);

    (void)ctx;
    told++;
    snprintf(problems + n, sizeof problems - n, "%s\n", text);
}

static bool plugged(void *ctx, const char *id)
{
    (void)ctx;
    return strcmp(id, "gone") != 0;
}

static enum err read_line(const char *text, struct reason *why)
{
    char zeroed[TEXT];
    size_t n = strlen(text);

    /* A blank ends a word, a tilde is a blank in one. */
    memcpy(zeroed, text, n + 1);
    for (size_t i = 0; i < n; i++)
        zeroed[i] = zeroed[i] == ' ' ? 0 : zeroed[i] == '~' ? ' ' : zeroed[i];
    return command_line_read(&line, bytes_of(zeroed, n + 1), why);
}

/* Whether the plan is `want`, without what is ours at its end, and the problems hold `trouble`
 * (NULL: there are none). */
static bool plans(const char *from, const char *with, bool copy, const char *want,
                  const char *trouble)
{
    struct command_wish wish = {.rules = &rules,
                                .folder = "/src/vm",
                                .monitor = "/dst/farspan-1.qmp",
                                .copy = copy,
                                .plugged = plugged};
    struct reason why = {0};
    bool good = read_line(from, &why) == OK &&
                command_rules_read(&rules, "/dst", bytes_of_string(with), &why) == OK;

    problems[0] = words[0] = 0;
    told = 0;
    good = good && command_plan_make(&plan, &line, &wish, tell, NULL) == OK;
    for (size_t i = 0; good && i < plan.words; i++) {
        size_t n = strlen(words);
        if (strstr(plan.word[i], "farspan-monitor"))
            break;
        snprintf(words + n, sizeof words - n, "%s%s", n ? " " : "", plan.word[i]);
    }
    char *ours = strstr(words, " -chardev");
    while (ours && strstr(ours + 1, " -chardev"))
        ours = strstr(ours + 1, " -chardev");
    if (ours && strcmp(ours, " -chardev") == 0)
        *ours = 0; /* of our own monitor */
    good = good && (!want || strcmp(words, want) == 0) &&
           (trouble ? told && strstr(problems, trouble) : told == 0);
    if (!good)
        printf("%s\n-> %s\n%s%s\n", from, words, problems, why.text);
    command_plan_release(&plan);
    command_rules_release(&rules);
    command_line_release(&line);
    return good;
}

#define Q "qemu-system-x86_64 "
#define KEPT(from, want) EXPECT(plans(Q from, "", false, want " -display none", NULL))
#define REFUSED(from, trouble) EXPECT(plans(Q from, "", false, NULL, trouble))
#define RULED(with, from, want) EXPECT(plans(Q from, with, false, want " -display none", NULL))

static void test_kept(void)
{
    KEPT("-machine q35,accel=tcg -cpu EPYC,+avx2 -m 1024 -smp 2,sockets=1",
         "-machine type=q35,accel=tcg -cpu EPYC,+avx2 -m size=1024 -smp cpus=2,sockets=1");
    KEPT("-nodefaults -no-user-config --uuid 7f0c8d4e-1111-4222-8333-944455566677",
         "-nodefaults -no-user-config -uuid 7f0c8d4e-1111-4222-8333-944455566677");
    KEPT("-device virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:12:34:56,addr=0x3",
         "-device driver=virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:12:34:56,addr=0x3");
    KEPT("-device {\"driver\":\"virtio-blk-pci\",\"drive\":\"d0\",\"bootindex\":1,"
         "\"write-cache\":true,\"id\":\"v0\"}",
         "-device driver=virtio-blk-pci,drive=d0,bootindex=1,write-cache=on,id=v0");
    KEPT("-object {\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"host-nodes\":[0,1],"
         "\"size\":64}",
         "-object qom-type=memory-backend-ram,id=m,host-nodes.0=0,host-nodes.1=1,size=64");
    KEPT(
        "-netdev user,id=n0,hostfwd=tcp:127.0.0.1:22-:22,hostfwd=tcp:127.0.0.1:80-:80 -global "
        "VGA.vgamem_mb=16",
        "-netdev type=user,id=n0,hostfwd=tcp:127.0.0.1:22-:22,hostfwd=tcp:127.0.0.1:80-:80 -global "
        "VGA.vgamem_mb=16");
    KEPT("-netdev tap,id=n0,ifname=tap3",
         "-netdev type=tap,id=n0,ifname=tap3,script=no,downscript=no");
    KEPT("-name guest=a,,b,debug-threads=on -append root=/dev/vda",
         "-name guest=a,,b,debug-threads=on -append root=/dev/vda");
    KEPT("-device virtio-net-pci,id=gone,netdev=x -device virtio-rng-pci,romfile=",
         "-device driver=virtio-rng-pci,romfile=");
    KEPT("-object memory-backend-file,id=m,size=1G,mem-path=/dev/hugepages/vm/1",
         "-object qom-type=memory-backend-file,id=m,size=1G,mem-path=/dev/hugepages");
    EXPECT(plans(Q "-vnc 127.0.0.1:1,password=on -vga std", "", false,
                 "-vnc vnc=127.0.0.1:1,password=on -vga std", NULL));
}

/* What was that process's, and not the guest's. */
static void test_dropped(void)
{
    KEPT("-S -daemonize -pidfile /run/x.pid -incoming tcp:0:1 -sandbox on -D /l -d cpu -m 64",
         "-m size=64");
    KEPT("-nographic -display gtk -m 64 -curses", "-m size=64");
    KEPT("-chardev socket,id=farspan-monitor,path=/a,server=on,wait=off -m 64 -mon "
         "chardev=farspan-monitor,mode=control",
         "-m size=64");
    KEPT("-monitor stdio -serial mon:stdio -qmp tcp:127.0.0.1:4444,server",
         "-monitor none -serial null");
    KEPT("-audiodev pa,id=snd,server=/run/pulse -chardev stdio,id=c,mux=on",
         "-audiodev driver=none,id=snd -chardev backend=null,id=c,mux=on");
}

static void test_paths(void)
{
    KEPT("-drive file=disk.img,format=raw,if=virtio",
         "-drive file=/dst/disk.img,format=raw,if=virtio");
    KEPT("-kernel ../boot/vmlinuz -hda /a/../b/./c.qcow2", "-kernel /dst/vmlinuz -hda "
                                                           "/dst/c.qcow2");
    KEPT("/img/x,,y.img", "/dst/x,,y.img");
    KEPT("-qmp unix:/run/vm.qmp,server=on,wait=off -serial unix:s.sock,server,nowait",
         "-qmp unix:/dst/vm.qmp,server=on,wait=off -serial unix:/dst/s.sock,server,nowait");
    RULED("map /usr/share/OVMF /opt/fw\nmap /src /x/y", "-bios /usr/share/OVMF/code.fd -kernel k",
          "-bios /opt/fw/code.fd -kernel /x/y/vm/k");
    RULED("map /usr /a\nmap /usr/share /b", "-bios /usr/share/f -kernel /usr/k",
          "-bios /b/f -kernel /a/k");
    RULED("map / /", "-kernel /k", "-kernel /k");
    RULED("map /us /a", "-kernel /usr/k", "-kernel /dst/k");
    REFUSED("-kernel /a/x -initrd /b/x -hda /c/x", "map /c/x PATH");
    REFUSED("-hda /a/farspan-1.qmp", "map /a/farspan-1.qmp");
    REFUSED("-hda /a/farspan-2.made", "map /a/farspan-2.made");
    REFUSED("-serial file:/a/farspan-2.log", "map /a/farspan-2.log");
    KEPT("-hda /a/farspan-2.img", "-hda /dst/farspan-2.img");
    REFUSED("-drive file=,format=raw", "only local files");
    REFUSED("-hda nbd:localhost:1", "only local files");
    REFUSED("-drive file=json:{\"driver\":\"nbd\"}", "only local files");
    REFUSED("-drive file=fat:rw:/etc", "only local files");
    REFUSED("-drive file=/", "only local files");
}

static void test_blocks(void)
{
    static const char chain[] =
        Q "-blockdev {\"driver\":\"file\",\"filename\":\"/i/base\",\"node-name\":\"f0\"} -blockdev "
          "{\"driver\":\"qcow2\",\"file\":\"f0\",\"node-name\":\"b0\",\"backing\":null} -blockdev "
          "{\"driver\":\"file\",\"filename\":\"/i/top\",\"node-name\":\"f1\",\"cache\":{\"direct\":"
          "true}} -blockdev "
          "{\"driver\":\"qcow2\",\"file\":\"f1\",\"node-name\":\"t\",\"backing\":\"b0\"}";

    EXPECT(plans(chain, "", true,
                 "-blockdev driver=file,filename=/dst/top,node-name=f1,cache.direct=on -blockdev "
                 "driver=qcow2,file=f1,node-name=t -display none",
                 NULL));
    EXPECT(plans(chain, "", false,
                 "-blockdev driver=file,filename=/dst/base,node-name=f0 -blockdev "
                 "driver=qcow2,file=f0,node-name=b0 -blockdev "
                 "driver=file,filename=/dst/top,node-name=f1,cache.direct=on -blockdev "
                 "driver=qcow2,file=f1,node-name=t,backing=b0 -display none",
                 NULL));
    KEPT("-blockdev driver=qcow2,node-name=a,file.driver=file,file.filename=x",
         "-blockdev driver=qcow2,node-name=a,file.driver=file,file.filename=/dst/x");
    REFUSED("-blockdev driver=qcow2,node-name=a,file.driver=nbd,file.path=/x", "file.driver=nbd");
    REFUSED("-blockdev driver=vvfat,node-name=a,dir=/etc", "vvfat");
    REFUSED("-drive driver=nbd,path=/x", "driver=nbd");
    REFUSED("-drive file=x,snapshot=on", "snapshot=on");
}

/* What would start programs, read files, or reach a monitor. */
static void test_refused(void)
{
    REFUSED("-netdev tap,id=n,script=/tmp/evil", "script=/tmp/evil");
    REFUSED("-netdev tap,id=n,fd=23", "netdev n TYPE");
    REFUSED("-netdev bridge,id=n,helper=/tmp/evil", "netdev n TYPE");
    REFUSED("-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-cmd:sh", "guestfwd");
    REFUSED("-netdev user,id=n,smb=/etc", "smb=/etc");
    REFUSED("-netdev user,id=n,hostfwd=tcp::22-:22", "allow netdev.hostfwd");
    REFUSED("-netdev user,id=n,hostfwd=tcp:0.0.0.0:22-:22", "hostfwd");
    REFUSED("-netdev socket,id=n,listen=:1234", "listen=:1234");
    REFUSED("-netdev stream,id=n,server=on,addr.type=inet,addr.host=0.0.0.0,addr.port=1",
            "addr.host=0.0.0.0");
    REFUSED("-vnc :1", "vnc=:1");
    REFUSED("-vnc 0.0.0.0:77,password=off", "vnc=0.0.0.0:77");
    EXPECT(plans(Q "-vnc :1", "allow vnc.vnc", false, "-vnc vnc=:1", NULL));
    REFUSED("-netdev user,type=tap,id=n", "says twice");
    REFUSED("-netdev user,id=n,id=m", "says twice");
    REFUSED("-netdev stream,id=n,addr.type=unix,addr.path=/x", "addr.path");
    REFUSED("-device vfio-pci,host=01:00.0", "vfio-pci");
    REFUSED("-device loader,file=/etc/shadow", "loader");
    REFUSED("-device {\"driver\":\"usb-host\"}", "usb-host");
    REFUSED("-device e1000,romfile=/etc/shadow", "romfile=/etc/shadow");
    REFUSED("-global e1000.romfile=/etc/shadow", "-global e1000.romfile");
    REFUSED("-global driver=e1000,property=romfile,value=x", "-global");
    REFUSED("-global driver=e1000,property=bootindex,property=romfile,value=x", "-global");
    REFUSED("-global property=bootindex,property=romfile,value=x", "-global");
    KEPT("-global driver=e1000,property=bootindex,value=1",
         "-global driver=e1000,property=bootindex,value=1");
    REFUSED("-fsdev local,path=/,id=x", "-fsdev");
    REFUSED("-readconfig /x", "-readconfig");
    REFUSED("-virtfs local,path=/", "-virtfs");
    REFUSED("-L /x", "-L");
    REFUSED("-plugin /x.so", "-plugin");
    REFUSED("-frobnicate x", "-frobnicate");
    REFUSED("-object secret,id=s,file=/etc/shadow", "secret");
    REFUSED("-object rng-random,id=r,filename=/etc/shadow", "filename=/etc/shadow");
    REFUSED("-object memory-backend-file,id=m,mem-path=/etc,size=1", "mem-path=/etc");
    REFUSED("-object memory-backend-file,id=m,mem-path=/dev/shm/../../etc,size=1", "mem-path");
    REFUSED("-fw_cfg name=opt/x,file=nbd:x", "only local files");
    REFUSED("-smbios file=/etc/shadow", "file=/etc/shadow");
    REFUSED("-machine q35,kernel=/etc/shadow", "kernel=");
    REFUSED("-machine /etc/x", "type=/etc/x");
    REFUSED("-chardev socket,id=c,path=/run/a.qmp", "could reach another's monitor");
    REFUSED("-chardev socket,id=c,path=/run/a.qmp,server=on,server=off", "could reach");
    REFUSED("-chardev socket,id=c,server=on,host=0.0.0.0,port=1", "host=0.0.0.0");
    REFUSED("-chardev pipe,id=c,path=/x", "pipe");
    REFUSED("-chardev serial,id=c,path=/dev/ttyS0", "serial");
    REFUSED("-serial unix:/run/a.qmp", "-serial unix");
    REFUSED("-serial /dev/ttyS0", "-serial");
    REFUSED("-serial tcp:evil:1", "-serial tcp");
    REFUSED("-mon chardev=a/b", "chardev=a/b");
    REFUSED("-k ../../etc/x", "-k");
    REFUSED("-spice port=1", "-spice");
    REFUSED("-mem-path /x", "-mem-path");
    REFUSED("-snapshot", "-snapshot");
    EXPECT(plans("/tmp/evil -m 1", "", false, NULL, "rule: emulator PATH"));
}

static void test_rules(void)
{
    struct reason why = {0};
    static const char *const bad[] = {"mapp /a /b", "map /a",       "map a /b", "map /a b",
                                      "emulator q", "netdev n",     "allow",    "netdev",
                                      "map",        "emulator ../q"};

    RULED("netdev n0 tap,ifname=t7,script=no", "-netdev user,id=n0",
          "-netdev tap,ifname=t7,script=no,id=n0");
    RULED("# why\n\n allow device:vfio-pci \nallow -L\n", "-device vfio-pci,host=1:0.0 -L /x",
          "-device driver=vfio-pci,host=1:0.0 -L /x");
    RULED("allow device.romfile", "-device e1000,romfile=/x", "-device driver=e1000,romfile=/x");
    RULED("allow spice", "-spice port=1", "-spice port=1");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        why.text[0] = 0;
        EXPECT(command_rules_read(&rules, "/d", bytes_of_string(bad[i]), &why) == ERR_USAGE &&
               strstr(why.text, "line 1"));
        command_rules_release(&rules);
    }
}

static void test_lines(void)
{
    struct reason why = {0};
    static const char bell[] = "qemu\0-m\0\7";

    EXPECT(command_line_read(&line, bytes_of(NULL, 0), &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(command_line_read(&line, bytes_of("qemu", 4), &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(command_line_read(&line, bytes_of(bell, sizeof bell), &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(read_line("qemu-system-x86_64/ -m 1", &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(read_line(Q "-m", &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(read_line(Q "-device {\"driver\":", &why) == ERR_MALFORMED);
    command_line_release(&line);
    EXPECT(read_line(Q "-device {\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":1}}}}}}}}",
                     &why) == ERR_LIMIT);
    command_line_release(&line);
    EXPECT(read_line(Q "-name a~b -frob -x y", &why) == OK && line.options == 3 &&
           strcmp(command_line_part(&line.option[0], "guest"), "a b") == 0 &&
           !line.option[1].value && strcmp(line.option[2].value, "y") == 0);
    command_line_release(&line);
}

static const char *owner_of(const char *text)
{
    struct reason why = {0};
    const char *owner = read_line(text, &why) ? "?" : command_owner(&line);

    command_line_release(&line);
    return owner ? owner : "nobody";
}

static void test_owners(void)
{
    EXPECT(strcmp(owner_of(Q "-chardev socket,id=m,path=/run/libvirt/qemu/domain-1-a/monitor.sock"),
                  "libvirt") == 0);
    EXPECT(strcmp(owner_of(Q "-object {\"qom-type\":\"secret\",\"file\":\"/var/lib/libvirt/qemu/"
                             "domain-1-a/master-key.aes\"}"),
                  "libvirt") == 0);
    EXPECT(strcmp(owner_of("/usr/bin/kvm -id 100 -chardev "
                           "socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off"),
                  "Proxmox") == 0);
    EXPECT(strcmp(owner_of(Q "-qmp unix:/run/vm.qmp -drive file=/lib/libvirt/qemu/x"), "nobody") ==
           0);
}

TEST_MAIN({"kept", test_kept}, {"dropped", test_dropped}, {"paths", test_paths},
          {"blocks", test_blocks}, {"refused", test_refused}, {"rules", test_rules},
          {"lines", test_lines}, {"owners", test_owners})
