/* without: mechanisms of the desk that a simulation can switch off, to show what each is for. */
#ifndef FARSPAN_WITHOUT_H
#define FARSPAN_WITHOUT_H

/* Never set but by a simulation. Feed, mirror, seat, stage and viewer each look at their own. */
enum without {
    WITHOUT_NEWEST = 1 << 0,    /* feed: a stale block is sent again when it is lost */
    WITHOUT_ACKED = 1 << 1,     /* feed: blocks refer to what was sent, arrived or not */
    WITHOUT_TURNS = 1 << 2,     /* feed: every block begins at the top of the picture */
    WITHOUT_BLACK = 1 << 3,     /* feed: a picture without any tile to send is not sent */
    WITHOUT_VECTORS = 1 << 4,   /* feed: nothing is looked for that has moved */
    WITHOUT_VERSIONS = 1 << 6,  /* mirror, viewer: what comes late covers what is newer */
    WITHOUT_EPOCHS = 1 << 7,    /* mirror: what belongs to an older picture is not dropped */
    WITHOUT_GIVEN_UP = 1 << 8,  /* mirror: a block that the server has given up must decode */
    WITHOUT_ROOM = 1 << 9,      /* seat: updates are made before the path takes them */
    WITHOUT_LOOK = 1 << 10,     /* stage: no whole capture but the first */
    WITHOUT_SETTLE = 1 << 11,   /* seat: input has its effect at once */
    WITHOUT_ROLES = 1 << 12,    /* seat: everybody may control */
    WITHOUT_LET_GO = 1 << 13,   /* seat: keys of a silent or gone viewer stay down */
    WITHOUT_OWN_KEYS = 1 << 14, /* stage: a key that one lets go of goes up for all */
    WITHOUT_HELD = 1 << 15,     /* viewer: keys that stay down are not told again */
    WITHOUT_REFRESH = 1 << 16,  /* viewer: a broken picture is not asked for anew */
    WITHOUT_PACE = 1 << 17      /* seat: the most that a viewer may be sent is not kept */
};

#endif
