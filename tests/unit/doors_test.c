/* The numbers of our own addresses. */
#include "core/run/doors.h"

#include "tests/unit/test.h"

static struct addr own(unsigned n)
{
    return (struct addr){
        .family = ADDR_IP4, .ip = {10, 1, (uint8_t)(n >> 8), (uint8_t)n}, .port = 7470};
}

static void a_number_keeps_its_meaning(void)
{
    struct doors d = {0};

    for (int round = 0; round < 2; round++)
        for (unsigned n = 0; n < DOORS_MAX; n++) {
            struct addr a = own(n), back;
            EXPECT_EQ(doors_number(&d, &a), n + 1);
            EXPECT_EQ(doors_number(&d, &a), n + 1);
            back = doors_address(&d, (uint8_t)(n + 1));
            EXPECT(addr_equal(&back, &a));
        }
}

static void what_is_not_known_has_none(void)
{
    struct doors d = {0};
    struct addr none = {.family = ADDR_NONE}, any = {.family = ADDR_IP6, .port = 7470};

    EXPECT_EQ(doors_number(&d, &none), 0);
    EXPECT_EQ(doors_number(&d, &any), 0);
    EXPECT_EQ(d.count, 0);
    EXPECT_EQ(doors_address(&d, 0).family, ADDR_NONE);
}

static void one_too_many_is_left_to_routing(void)
{
    struct doors d = {0};
    struct addr a;

    for (unsigned n = 0; n < DOORS_MAX + 3; n++) {
        a = own(n);
        EXPECT_EQ(doors_number(&d, &a), n < DOORS_MAX ? n + 1 : 0);
    }
    EXPECT(d.full);
    a = own(7);
    EXPECT_EQ(doors_number(&d, &a), 8);
}

TEST_MAIN({"a_number_keeps_its_meaning", a_number_keeps_its_meaning},
          {"what_is_not_known_has_none", what_is_not_known_has_none},
          {"one_too_many_is_left_to_routing", one_too_many_is_left_to_routing})
