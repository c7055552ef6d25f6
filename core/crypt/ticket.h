/* ticket: one string that says where a server is, who it must prove to be, and what lets one in. */
#ifndef FARSPAN_TICKET_H
#define FARSPAN_TICKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/crypt/b64.h"
#include "core/crypt/invite.h"
#include "core/crypt/key.h"
#include "core/crypt/target.h"

#define TICKET_SCHEME "farspan://"

/* Room for the longest ticket and its end. */
enum {
    TICKET_TEXT_CHARS = sizeof TICKET_SCHEME - 1 + TARGET_TEXT_CHARS - 1 + 1 + KEY_TEXT_CHARS + 1 +
                        B64_CHARS(INVITE_ID_BYTES) + 1 + B64_CHARS(INVITE_SECRET_BYTES) + 1
};

/* What a ticket says. Secret when `invited`: end it with ticket_wipe. */
struct ticket {
    struct target target;   /* a hint that proves nothing */
    uint8_t key[KEY_BYTES]; /* the server's static public key, which must be proven */
    bool invited;           /* the two below are there */
    uint8_t id[INVITE_ID_BYTES];
    uint8_t secret[INVITE_SECRET_BYTES];
};

/* Whether borrowed text claims to be a ticket: starts, after blanks, with TICKET_SCHEME. */
bool ticket_is(struct bytes text);

/* Reads "farspan://HOST[:PORT]/KEY[#ID.SECRET]" from borrowed text, at most LIMIT_TICKET_CHARS,
 * with blanks and line ends allowed around it and nowhere else; KEY, ID and SECRET are unpadded
 * base64url of 32, 8 and 32 bytes (see key_from_text). ERR_MALFORMED or ERR_LIMIT with *error set;
 * *out is then wiped. */
enum err ticket_parse(struct bytes text, struct ticket *out, struct target_error *error) MUST_USE;

/* Writes the ticket, always with its port. */
void ticket_print(const struct ticket *t, char text[TICKET_TEXT_CHARS]);

/* Wipes the ticket. */
void ticket_wipe(struct ticket *t);

#endif
