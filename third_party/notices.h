/* notices: the licence notices of everything linked into the program. */
#ifndef FARSPAN_NOTICES_H
#define FARSPAN_NOTICES_H

/* Many lines of UTF-8 text, written by third_party/notices.sh when the program was built. */
extern const char notices_text[];

#endif
