#include "core/base/num.h"
#include "core/screen/test_words.h"

const char *const test_words_notes[] = {
    "#Welcome to farspan",
    "",
    "You are looking at the desktop that is built into farspan. It needs no X server, no graphics "
    "card and no files: it is there so that you can try a connection before you stream a desktop "
    "of your own.",
    "",
    "#What you can do here",
    "• Type: the text comes back in the field of the window “Try it”, Return keeps the line.",
    "• Press the button: it counts.",
    "• Turn the wheel over these notes, or use Page Up and Page Down.",
    "• Drag a window by its title: the far end copies what it has already.",
    "",
    "#What you should see",
    "Text must be as sharp as on a local screen. The evening at the lake has the grain of a "
    "camera in every pixel, and it too ends exact: not nearly, but bit for bit. Both ends "
    "compute the same hash of the whole picture to prove it.",
    "",
    "The ball, the cube and the lines of text move for two seconds and then rest for two. Within a "
    "moment of coming to rest the viewer can say: exact now.",
    "",
    "#Why some parts are harder",
    "A flat colour is a few bytes. Letters repeat, and lines that scroll are copied. A photo has "
    "no two pixels alike: it comes in last, while everything you type has gone ahead.",
    "",
    "On a long or lossy line nothing is sent twice as it was. When a part was lost, its newest "
    "content is sent, so that the picture catches up instead of replaying the past.",
    "",
    "#Letters from elsewhere",
    "Größe, façade, naïve, smørrebrød, żółć, kůň, İstanbul, œuvre, niño, þorn, 5 € ± 2 %.",
    "Ελληνικά: καλημέρα κόσμε. Русский: привет, мир. Українська: їжак.",
    "→ up ↑, down ↓, ½ × ¾ = 0.375, √2 ≠ 1.414, π ≤ 22/7 ✓",
    "",
    "#And then",
    "Stream the desktop you are sitting at: farspan serve x11. A file works as well: an image, a "
    "video as y4m, or a recording. “farspan help serve” lists the rest.",
};

const size_t test_words_notes_count = COUNT_OF(test_words_notes);

enum { NEAR = 0x8fd18a, FAR = 0x7fb8e8, FARTHEST = 0xe6c76a };

/* Great circles, rounded; light in glass goes about 200 km in a millisecond. */
const struct test_words_log test_words_log[] = {
    {"   310 km", NEAR, "Oslo ↔ Bergen", "3.1 ms"},
    {"   340 km", NEAR, "London ↔ Paris", "3.4 ms"},
    {"   250 km", NEAR, "Prague ↔ Vienna", "2.5 ms"},
    {"   890 km", NEAR, "Zürich ↔ Kraków", "8.9 ms"},
    {" 1,500 km", FAR, "Chicago ↔ Denver", "15 ms"},
    {" 3,000 km", FAR, "Lisbon ↔ Reykjavík", "30 ms"},
    {" 3,500 km", FAR, "Cairo ↔ Nairobi", "35 ms"},
    {" 1,200 km", FAR, "Tokyo ↔ Seoul", "12 ms"},
    {" 3,900 km", FAR, "Mumbai ↔ Singapore", "39 ms"},
    {" 3,900 km", FAR, "Accra ↔ Madrid", "39 ms"},
    {" 5,600 km", FAR, "London ↔ New York", "56 ms"},
    {" 2,200 km", FAR, "Sydney ↔ Auckland", "22 ms"},
    {" 3,500 km", FAR, "São Paulo ↔ Lima", "35 ms"},
    {" 7,200 km", FARTHEST, "Cape Town ↔ Cairo", "72 ms"},
    {"10,800 km", FARTHEST, "New York ↔ Tokyo", "108 ms"},
    {"19,600 km", FARTHEST, "Madrid ↔ Auckland", "196 ms"},
};

const size_t test_words_log_count = COUNT_OF(test_words_log);
