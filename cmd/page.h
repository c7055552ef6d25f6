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

/* What page_show prints. */
enum page_kind { PAGE_HELP, PAGE_MANUAL, PAGE_NAMES };

/* Prints a page on stdout, or with JSON as the text of a result: the help or the manual page of
 * `cmd`, or where that is NULL of the program, or the names of all commands. ERR_MEMORY,
 * ERR_SYSTEM. */
enum err page_show(enum page_kind kind, const struct cmd *cmd, struct run *run) MUST_USE;

#endif
