/* call_opt: rows of the option tables of all commands that call a server. */
#ifndef FARSPAN_CALL_OPT_H
#define FARSPAN_CALL_OPT_H

#include "cmd/cmd.h"

/* --tcp, for `bool tcp` of the command's config struct. */
#define CALL_OPT_TCP(config)                                                                       \
    {                                                                                              \
        "tcp", 0, OPT_FLAG(config, tcp), NULL,                                                     \
            "over TCP alone; without it TCP is found by itself where UDP does not get through"     \
    }

#endif
