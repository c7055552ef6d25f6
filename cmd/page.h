/* page: a command's help text and manual page, both from its table. */
#ifndef FARSPAN_PAGE_H
#define FARSPAN_PAGE_H

#include <stdio.h>

#include "cmd/cmd.h"

/* Prints the overview: what farspan is and one line a command of the NULL-ended table. */
void page_overview(const struct cmd *const *table, FILE *to);

/* Prints the help of one command. */
void page_help(const struct cmd *cmd, FILE *to);

/* Prints the manual page of one command in man(7) macros. */
void page_manual(const struct cmd *cmd, FILE *to);

/* Prints the manual page farspan(1), which names every command of the NULL-ended table. */
void page_manual_overview(const struct cmd *const *table, FILE *to);

#endif
