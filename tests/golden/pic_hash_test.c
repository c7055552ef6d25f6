#include <stdio.h>
#include <string.h>

#include "core/codec/pic.h"
#include "tests/unit/scene.h"
#include "tests/unit/test.h"

/* The file is made by tests/ref/pic_hash_ref.py; see there for the pictures. */
static void hashes_are_as_the_reference_says(void)
{
    FILE *f = fopen("tests/golden/pic_hash.txt", "r");
    unsigned width, height, alpha, cases = 0;
    char hex[40];

    EXPECT(f);
    while (fscanf(f, "%u %u %u %32s", &width, &height, &alpha, hex) == 4) {
        struct tile_pool pool;
        struct scene s = scene_new(width, height, 0);
        struct pic *p;
        uint8_t want[16], hash[16];

        tile_pool_init(&pool, 100);
        for (uint32_t y = 0; y < height; y++)
            for (uint32_t x = 0; x < width; x++)
                s.px[y * width + x] = x * 2654435761u ^ y * 40503u * 65537u ^ x * y;
        EXPECT_EQ(pic_new(&pool, width, height, alpha, &p), OK);
        scene_update(&s, p, NULL);
        pic_hash(p, hash);
        EXPECT_EQ(test_hex(hex, want, sizeof want), 16);
        EXPECT(memcmp(hash, want, 16) == 0);
        cases++;
        pic_unref(p);
        tile_pool_release(&pool);
        scene_release(&s);
    }
    fclose(f);
    EXPECT_EQ(cases, 36);
}

TEST_MAIN({"hashes_are_as_the_reference_says", hashes_are_as_the_reference_says})
