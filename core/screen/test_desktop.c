#include "core/screen/test_desktop.h"

#include <string.h>

#include "core/base/heap.h"
#include "core/base/num.h"
#include "core/base/utf8.h"
#include "core/screen/keysym.h"
#include "core/screen/test_art.h"
#include "core/screen/test_paint.h"
#include "core/screen/test_words.h"

enum { NOTES_MARGIN = 16, NOTCH_PX = 3 * TEST_DESKTOP_LINE_PX, STEPS_A_LINE = 2 };

/* Windows as they stand on 1280 x 720, and how small their content lets them be. */
static const struct {
    int32_t x, y, width, height, min_width, min_height;
} layout[TEST_WINDOWS] = {
    [TEST_NOTES] = {28, 54, 520, 452, 300, 200},
    [TEST_PHOTO] = {868, 50, 384, 286, 200, 150},
    [TEST_TERMINAL] = {292, 456, 560, 240, 300, 140},
    [TEST_MOTION] = {880, 356, 368, 344, 368, 344},
    [TEST_TRY] = {560, 74, 296, 312, 296, 312},
};

static struct box screen(const struct test_desktop *d)
{
    return (struct box){0, 0, (int32_t)d->width, (int32_t)d->height};
}

/* Remembers that `b` must be painted; boxes that overlap become one. */
static void spoil(struct test_desktop *d, struct box b)
{
    b = box_meet(b, screen(d));
    if (box_empty(b))
        return;
    for (size_t i = 0; i < d->dirty_count;) {
        if (box_empty(box_meet(b, d->dirty[i]))) {
            i++;
            continue;
        }
        b = box_join(b, d->dirty[i]);
        d->dirty[i] = d->dirty[--d->dirty_count];
        i = 0;
    }
    if (d->dirty_count == TEST_DESKTOP_DIRTY)
        d->dirty[0] = box_join(d->dirty[0], b);
    else
        d->dirty[d->dirty_count++] = b;
}

static struct box body(const struct test_desktop *d, enum test_desktop_window w)
{
    struct box b = d->window[w];

    return (struct box){b.x0 + 1, b.y0 + TEST_DESKTOP_TITLE_PX, b.x1 - 1, b.y1 - 1};
}

static enum test_desktop_window owner(enum test_desktop_part part)
{
    static const enum test_desktop_window owners[] = {
        [TEST_PART_NOTES] = TEST_NOTES,     [TEST_PART_TERMINAL] = TEST_TERMINAL,
        [TEST_PART_PHOTO] = TEST_PHOTO,     [TEST_PART_BALL] = TEST_MOTION,
        [TEST_PART_CUBE] = TEST_MOTION,     [TEST_PART_STATE] = TEST_MOTION,
        [TEST_PART_SWATCHES] = TEST_MOTION, [TEST_PART_FIELD] = TEST_TRY,
        [TEST_PART_ECHO] = TEST_TRY,        [TEST_PART_BUTTON] = TEST_TRY,
        [TEST_PART_COUNT] = TEST_TRY,       [TEST_PART_KEY] = TEST_TRY,
        [TEST_PART_PLACE] = TEST_TRY,
    };

    return owners[part];
}

struct box test_desktop_part(const struct test_desktop *d, enum test_desktop_part part)
{
    struct box b = body(d, owner(part));
    int32_t x = b.x0, y = b.y0, width = b.x1 - b.x0, height = b.y1 - b.y0;

    switch (part) {
    case TEST_PART_CLOCK:
        return box_at((int32_t)d->width - 84, 0, 84, TEST_DESKTOP_PANEL_PX);
    case TEST_PART_NOTES:
    case TEST_PART_TERMINAL:
    case TEST_PART_PHOTO:
        return b;
    case TEST_PART_BALL:
        return box_at(x + 12, y + 12, width - 24, 124);
    case TEST_PART_CUBE:
        return box_at(x + 12, y + 148, 120, 112);
    case TEST_PART_STATE:
        return box_at(x + 148, y + 164, width - 164, 72);
    case TEST_PART_SWATCHES:
        return box_at(x + 12, y + height - 48, width - 24, 36);
    case TEST_PART_FIELD:
        return box_at(x + 16, y + 40, width - 32, 32);
    case TEST_PART_ECHO:
        return box_at(x + 16, y + 80, width - 32, TEST_DESKTOP_ECHO * TEST_DESKTOP_LINE_PX);
    case TEST_PART_BUTTON:
        return box_at(x + 16, y + 160, 116, 36);
    case TEST_PART_COUNT:
        return box_at(x + 146, y + 168, width - 162, TEST_DESKTOP_LINE_PX);
    case TEST_PART_KEY:
        return box_at(x + 16, y + 222, width - 32, TEST_DESKTOP_LINE_PX);
    case TEST_PART_PLACE:
    default:
        return box_at(x + 16, y + 250, width - 32, TEST_DESKTOP_LINE_PX);
    }
}

/* Spoils a box of window `w`, unless a window above hides it. */
static void spoil_in(struct test_desktop *d, enum test_desktop_window w, struct box b)
{
    size_t i = TEST_WINDOWS;

    while (i-- > 0 && d->order[i] != w) {
        struct box over = d->window[d->order[i]], seen = box_meet(b, over);
        /* The rounded corners of a window show what is below. */
        if (seen.x0 == b.x0 && seen.x1 == b.x1 && b.y0 > over.y0 + 8 && b.y1 <= over.y1 - 8)
            return;
    }
    spoil(d, box_meet(b, d->window[w]));
}

static void spoil_part(struct test_desktop *d, enum test_desktop_part part)
{
    spoil_in(d, owner(part), test_desktop_part(d, part));
}

static void add_words(struct test_desktop *d, struct bytes text, bool heading)
{
    if (d->notes_count < TEST_DESKTOP_LINES)
        d->notes[d->notes_count++] = (struct test_desktop_words){text, heading};
}

/* Breaks the notes into lines as wide as their window. */
static void wrap_notes(struct test_desktop *d)
{
    struct box b = body(d, TEST_NOTES);
    int32_t room = b.x1 - b.x0 - 2 * NOTES_MARGIN - 12;

    for (size_t i = 0; i < test_words_notes_count; i++) {
        bool heading = test_words_notes[i][0] == '#';
        struct bytes left = bytes_of_string(test_words_notes[i] + heading), line = {left.p, 0};
        while (left.n > line.n) {
            size_t word = line.n + 1;
            while (word < left.n && left.p[word] != ' ')
                word++;
            if (line.n &&
                canvas_label_width(heading ? d->head : d->text, bytes_of(left.p, word)) > room) {
                add_words(d, line, heading);
                left = bytes_of(left.p + line.n + 1, left.n - line.n - 1);
                line = bytes_of(left.p, 0);
            } else {
                line.n = word;
            }
        }
        add_words(d, line, heading);
    }
}

static void place_windows(struct test_desktop *d)
{
    for (int i = 0; i < TEST_WINDOWS; i++) {
        int64_t w = d->width, h = d->height;
        bool fixed = layout[i].min_width == layout[i].width;
        int32_t width = fixed ? layout[i].width : (int32_t)(layout[i].width * w / 1280);
        int32_t height = fixed ? layout[i].height : (int32_t)(layout[i].height * h / 720);
        width = width < layout[i].min_width ? layout[i].min_width : width;
        height = height < layout[i].min_height ? layout[i].min_height : height;
        int32_t y = (int32_t)(layout[i].y * h / 720);
        y = y < TEST_DESKTOP_PANEL_PX + 4 ? TEST_DESKTOP_PANEL_PX + 4 : y;
        d->window[i] = box_at((int32_t)(layout[i].x * w / 1280), y, width, height);
        d->order[i] = (enum test_desktop_window)i;
    }
}

static bool make_pictures(struct test_desktop *d)
{
    struct box photo = body(d, TEST_PHOTO);

    d->photo_width = (uint32_t)(photo.x1 - photo.x0);
    d->photo_height = (uint32_t)(photo.y1 - photo.y0);
    d->px = heap_array((size_t)d->width * d->height, sizeof *d->px);
    d->wallpaper = heap_array((size_t)d->width * d->height, sizeof *d->px);
    d->photo = heap_array((size_t)d->photo_width * d->photo_height, sizeof *d->px);
    if (!d->px || !d->wallpaper || !d->photo)
        return false;
    test_art_wallpaper(d->wallpaper, d->width, d->height);
    test_art_photo(d->photo, d->photo_width, d->photo_height);
    return true;
}

enum err test_desktop_new(uint32_t width, uint32_t height, struct test_desktop **out)
{
    struct test_desktop *d = heap_alloc(sizeof *d);

    if (!d)
        return ERR_MEMORY;
    d->width = width;
    d->height = height;
    d->text = font_new(16, 68);
    d->bold = font_new(16, 104);
    d->head = font_new(22, 84);
    place_windows(d);
    if (!d->text || !d->bold || !d->head || !make_pictures(d)) {
        test_desktop_free(d);
        return ERR_MEMORY;
    }
    wrap_notes(d);
    d->x = (int32_t)width / 2;
    d->y = (int32_t)height / 2;
    d->dragged = -1;
    spoil(d, screen(d));
    *out = d;
    return OK;
}

void test_desktop_free(struct test_desktop *d)
{
    if (!d)
        return;
    heap_free(d->px);
    heap_free(d->wallpaper);
    heap_free(d->photo);
    font_free(d->text);
    font_free(d->bold);
    font_free(d->head);
    heap_free(d);
}

void test_desktop_move(struct test_desktop *d, uint64_t step, bool moving)
{
    if (step == d->step && moving == d->moving)
        return;
    struct box before = test_paint_ball_box(d);
    bool line = step / STEPS_A_LINE != d->step / STEPS_A_LINE;
    d->step = step;
    d->moving = moving;
    spoil_in(d, TEST_MOTION, box_join(before, test_paint_ball_box(d)));
    spoil_part(d, TEST_PART_CUBE);
    spoil_part(d, TEST_PART_STATE);
    if (line)
        spoil_part(d, TEST_PART_TERMINAL);
}

void test_desktop_tick(struct test_desktop *d, uint64_t seconds)
{
    if (seconds == d->seconds)
        return;
    d->seconds = seconds;
    spoil(d, test_desktop_part(d, TEST_PART_CLOCK));
}

static void scroll_notes(struct test_desktop *d, int32_t by)
{
    struct box b = body(d, TEST_NOTES);
    int32_t all = (int32_t)d->notes_count * TEST_DESKTOP_LINE_PX + 2 * NOTES_MARGIN;
    int32_t last = all - (b.y1 - b.y0), top = d->notes_top_px + by;

    top = top > last ? last : top;
    top = top < 0 ? 0 : top;
    if (top == d->notes_top_px)
        return;
    d->notes_top_px = top;
    spoil_part(d, TEST_PART_NOTES);
}

static uint32_t modifier(uint32_t keysym)
{
    switch (keysym) {
    case KEYSYM_SHIFT_L:
    case KEYSYM_SHIFT_R:
        return TEST_HELD_SHIFT;
    case KEYSYM_CONTROL_L:
    case KEYSYM_CONTROL_R:
        return TEST_HELD_CONTROL;
    case KEYSYM_ALT_L:
    case KEYSYM_ALT_R:
    case KEYSYM_META_L:
    case KEYSYM_META_R:
        return TEST_HELD_ALT;
    case KEYSYM_SUPER_L:
    case KEYSYM_SUPER_R:
        return TEST_HELD_SUPER;
    default:
        return 0;
    }
}

static void enter_line(struct test_desktop *d)
{
    memmove(&d->echo[1], &d->echo[0], sizeof d->echo - sizeof d->echo[0]);
    d->echo[0] = d->field;
    d->field.n = 0;
    spoil_part(d, TEST_PART_ECHO);
}

static size_t characters(const struct test_desktop_line *l)
{
    size_t count = 0;

    for (size_t i = 0; i < l->n; i++)
        count += ((uint8_t)l->text[i] & 0xc0) != 0x80;
    return count;
}

static void type_code(struct test_desktop *d, uint32_t code)
{
    uint8_t text[UTF8_MAX_BYTES];

    if ((d->held & TEST_HELD_SHIFT) && code >= 'a' && code <= 'z')
        code -= 'a' - 'A';
    size_t n = utf8_put(code, text);
    if (characters(&d->field) == TEST_DESKTOP_FIELD)
        return;
    memcpy(d->field.text + d->field.n, text, n);
    d->field.n += n;
}

static void press_key(struct test_desktop *d, uint32_t keysym)
{
    struct box notes = body(d, TEST_NOTES);
    int32_t page = notes.y1 - notes.y0 - 2 * TEST_DESKTOP_LINE_PX;
    uint32_t code = keysym_to_code(keysym);

    d->last_key = keysym;
    spoil_part(d, TEST_PART_KEY);
    if (keysym == KEYSYM_RETURN || keysym == KEYSYM_KP_ENTER)
        enter_line(d);
    else if (keysym == KEYSYM_BACKSPACE)
        while (d->field.n && ((uint8_t)d->field.text[--d->field.n] & 0xc0) == 0x80)
            ;
    else if (keysym == KEYSYM_ESCAPE)
        d->field.n = 0;
    else if (keysym == KEYSYM_UP || keysym == KEYSYM_DOWN)
        scroll_notes(d, keysym == KEYSYM_UP ? -TEST_DESKTOP_LINE_PX : TEST_DESKTOP_LINE_PX);
    else if (keysym == KEYSYM_PAGE_UP || keysym == KEYSYM_PAGE_DOWN)
        scroll_notes(d, keysym == KEYSYM_PAGE_UP ? -page : page);
    else if (keysym == KEYSYM_HOME || keysym == KEYSYM_END)
        scroll_notes(d,
                     (keysym == KEYSYM_HOME ? -1 : 1) * TEST_DESKTOP_LINES * TEST_DESKTOP_LINE_PX);
    else if (code && !(d->held & ~(uint32_t)TEST_HELD_SHIFT))
        type_code(d, code);
    spoil_part(d, TEST_PART_FIELD);
}

static void change_key(struct test_desktop *d, uint32_t keysym, bool down)
{
    uint32_t bit = modifier(keysym);

    if (bit)
        d->held = down ? d->held | bit : d->held & ~bit;
    else if (down)
        press_key(d, keysym);
}

/* The topmost window at the pointer, -1 for none. */
static int under_pointer(const struct test_desktop *d)
{
    for (size_t i = TEST_WINDOWS; i-- > 0;)
        if (box_has(d->window[d->order[i]], d->x, d->y))
            return (int)d->order[i];
    return -1;
}

static bool over_part(const struct test_desktop *d, enum test_desktop_part part)
{
    return under_pointer(d) == (int)owner(part) && box_has(test_desktop_part(d, part), d->x, d->y);
}

static void spoil_window(struct test_desktop *d, int w)
{
    spoil(d, box_grow(d->window[w], TEST_DESKTOP_SHADOW_PX));
}

static void raise_window(struct test_desktop *d, enum test_desktop_window w)
{
    size_t i = 0;

    if (d->order[TEST_WINDOWS - 1] == w)
        return;
    spoil_window(d, (int)d->order[TEST_WINDOWS - 1]);
    while (d->order[i] != w)
        i++;
    for (; i + 1 < TEST_WINDOWS; i++)
        d->order[i] = d->order[i + 1];
    d->order[i] = w;
    spoil_window(d, (int)w);
}

static void change_button(struct test_desktop *d, bool down)
{
    int w = under_pointer(d);

    if (!down) {
        if (d->pressed && over_part(d, TEST_PART_BUTTON))
            d->clicks++;
        if (d->pressed)
            spoil_part(d, TEST_PART_BUTTON), spoil_part(d, TEST_PART_COUNT);
        d->pressed = false;
        d->dragged = -1;
        return;
    }
    if (w < 0)
        return;
    raise_window(d, (enum test_desktop_window)w);
    if (d->y < d->window[w].y0 + TEST_DESKTOP_TITLE_PX) {
        d->dragged = w;
        d->grab_x = d->x - d->window[w].x0;
        d->grab_y = d->y - d->window[w].y0;
    } else if (over_part(d, TEST_PART_BUTTON)) {
        d->pressed = true;
        spoil_part(d, TEST_PART_BUTTON);
    }
}

static void move_pointer(struct test_desktop *d, int32_t x, int32_t y)
{
    d->x = x < 0 ? 0 : (int32_t)num_min((uint64_t)x, d->width - 1);
    d->y = y < 0 ? 0 : (int32_t)num_min((uint64_t)y, d->height - 1);
    spoil_part(d, TEST_PART_PLACE);
    if (d->dragged < 0)
        return;
    struct box *b = &d->window[d->dragged];
    spoil_window(d, d->dragged);
    int32_t top = d->y - d->grab_y;
    top = top < TEST_DESKTOP_PANEL_PX ? TEST_DESKTOP_PANEL_PX : top;
    *b = box_at(d->x - d->grab_x, top, b->x1 - b->x0, b->y1 - b->y0);
    spoil_window(d, d->dragged);
}

void test_desktop_input(struct test_desktop *d, const struct input_event *e)
{
    switch (e->kind) {
    case INPUT_KEY:
        change_key(d, e->keysym, e->down);
        break;
    case INPUT_MOVE:
        move_pointer(d, e->x, e->y);
        break;
    case INPUT_BUTTON:
        if (e->button == 1)
            change_button(d, e->down);
        break;
    case INPUT_SCROLL:
        if (under_pointer(d) == TEST_NOTES && e->dy > -100 && e->dy < 100)
            scroll_notes(d, e->dy * NOTCH_PX);
        break;
    case INPUT_RELEASE:
        d->held = 0;
        d->dragged = -1;
        if (d->pressed)
            spoil_part(d, TEST_PART_BUTTON);
        d->pressed = false;
        break;
    }
}

size_t test_desktop_paint(struct test_desktop *d, bool whole, struct box *out)
{
    if (whole) {
        d->dirty_count = 0;
        spoil(d, screen(d));
    }
    size_t count = d->dirty_count;
    for (size_t i = 0; i < count; i++) {
        struct canvas c = {d->px, d->width, d->dirty[i]};
        test_paint_all(d, &c);
        out[i] = d->dirty[i];
    }
    d->dirty_count = 0;
    return count;
}

unsigned test_desktop_shape(const struct test_desktop *d)
{
    if (over_part(d, TEST_PART_FIELD))
        return TEST_ART_TEXT;
    return over_part(d, TEST_PART_BUTTON) ? TEST_ART_HAND : TEST_ART_ARROW;
}
