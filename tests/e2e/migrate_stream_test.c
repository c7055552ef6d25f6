/* What a real QEMU writes when it migrates, of several machines and their older versions, whole,
 * cut off and with flipped bits, comes out at the other end as it went in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/num.h"
#include "core/os/file.h"
#include "tests/unit/page_carry.h"
#include "tests/unit/test.h"

enum { STREAM_BYTES = 64 << 20, COMMAND_CHARS = 2048, DAMAGES = 24, HEAD_BYTES = 4096 };

static const char *folder(void)
{
    const char *f = getenv("TMPDIR");

    return f ? f : "/tmp";
}

/* Has QEMU write its stream to a file; `first` are monitor commands. */
static bool migrate(const char *machine, const char *first, struct buf *out)
{
    char path[256], command[COMMAND_CHARS];

    snprintf(path, sizeof path, "%s/stream.%d", folder(), (int)getpid());
    /* It has run for a while: the firmware has written to memory, and goes on. */
    snprintf(command, sizeof command,
             "(sleep 0.3; printf '%smigrate_set_parameter max-bandwidth 1G\\n"
             "migrate \"exec:cat >%s\"\\nquit\\n') |"
             " timeout 120 qemu-system-x86_64 -accel tcg -nodefaults -display none -monitor stdio"
             " %s >/dev/null 2>%s.err",
             first, path, machine, path);
    buf_init(out, STREAM_BYTES);
    bool good = system(command) == 0 && file_read(path, false, out) == OK && out->n > 1000;
    if (!good)
        fprintf(stderr, "QEMU with %s writes no stream: see %s.err\n", machine, path);
    unlink(path);
    return good;
}

/* One bit of it is another, or it is cut off; mostly where its heads are. */
static bool survives_damage(struct buf *b)
{
    struct page_counters n;
    uint64_t coded;
    struct rng g;

    rng_seed(&g, b->n);
    for (uint64_t seed = 1; seed <= DAMAGES; seed++) {
        size_t at = rng_below(&g, seed % 2 ? b->n : HEAD_BYTES), length = b->n;
        uint8_t was = b->p[at];
        b->p[at] ^= (uint8_t)(1u << rng_below(&g, 8));
        if (seed % 3 == 0)
            length = rng_below(&g, b->n);
        bool good = page_carry(bytes_of(b->p, length), NULL, folder(), seed, &coded, &n);
        b->p[at] = was;
        if (!good)
            return false;
    }
    return true;
}

static void carry_stream(const char *machine, const char *first)
{
    struct page_counters n;
    uint64_t coded;
    struct buf b;

    EXPECT(migrate(machine, first, &b));
    EXPECT(page_carry(buf_bytes(&b), NULL, folder(), 1, &coded, &n));
    bool good = survives_damage(&b);
    uint64_t all = b.n;
    buf_release(&b);
    EXPECT(good);
    /* It was understood: pages were seen, and zeroes cost nothing. */
    if (n.fills < 1000 || n.literals < 50 || n.raw_bytes > all / 2)
        fprintf(stderr, "%s: %llu bytes, %llu of them raw\n", machine, (unsigned long long)all,
                (unsigned long long)n.raw_bytes);
    EXPECT(n.fills > 1000 && n.literals > 50 && n.raw_bytes < all / 2 && coded < all);
}

static void test_machines(void)
{
    carry_stream("-M pc -m 16", "");
    carry_stream("-M q35 -m 16 -smp 2 -device virtio-rng-pci", "");
}

static void test_older_machines(void)
{
    carry_stream("-M pc-i440fx-2.12 -m 16", "");
    carry_stream("-M pc-q35-4.2 -m 16", "");
}

/* Memory in several blocks, and other words in the stream. */
static void test_other_ways(void)
{
    carry_stream("-M pc -m 16,slots=2,maxmem=256M -object memory-backend-ram,id=m,size=128M "
                 "-device pc-dimm,memdev=m",
                 "");
    carry_stream("-M pc -m 16", "migrate_set_capability xbzrle on\\n");
    carry_stream("-M pc -m 16 -uuid 7f0c8d4e-1111-4222-8333-944455566677",
                 "migrate_set_capability validate-uuid on\\n");
}

/* What lies outside of the stream is not in it, and the rest is as ever. */
static void test_shared_memory(void)
{
    char machine[COMMAND_CHARS];
    struct page_counters n;
    uint64_t coded;
    struct buf b;

    snprintf(machine, sizeof machine,
             "-M pc,memory-backend=m -m 16 -object memory-backend-file,id=m,size=16M,share=on,"
             "mem-path=%s/shared",
             folder());
    EXPECT(migrate(machine, "migrate_set_capability x-ignore-shared on\\n", &b));
    EXPECT(page_carry(buf_bytes(&b), NULL, folder(), 1, &coded, &n));
    EXPECT(survives_damage(&b));
    buf_release(&b);
}

TEST_MAIN({"machines", test_machines}, {"older_machines", test_older_machines},
          {"other_ways", test_other_ways}, {"shared_memory", test_shared_memory})
