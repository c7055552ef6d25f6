# farspan: `make help` lists the targets.
CC = gcc
BUILD = build
include third_party/deps.mk

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
       -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2
OPT = -O3 -g -fno-omit-frame-pointer
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
BASE_CFLAGS = -std=gnu11 -I. -D_GNU_SOURCE -MMD -MP $(WARN) $(DEPS_CFLAGS)

CORE_SRC = $(sort $(wildcard core/*/*.c third_party/*.c))
CMD_SRC = $(sort main.c $(wildcard cmd/*.c))

.DEFAULT_GOAL = all
all: $(BUILD)/farspan

$(BUILD)/static/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(OPT) $(HARDEN) $(CFLAGS) -c -o $@ $<

$(BUILD)/farspan: $(patsubst %.c,$(BUILD)/static/%.o,$(CORE_SRC) $(CMD_SRC))
	$(CC) -static-pie -Wl,-z,relro,-z,now,-z,noexecstack -o $@ $^ $(DEPS_LIBS)

# Unit tests: one program a file in tests/unit, against every core object, built dynamically.
$(BUILD)/test/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -O1 -g $(CFLAGS) -c -o $@ $<

UNIT = $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/*_test.c)))
$(BUILD)/test/libcore.a: $(patsubst %.c,$(BUILD)/test/%.o,$(CORE_SRC) tests/unit/test.c)
	rm -f $@ && ar rcs $@ $^
$(BUILD)/unit/%: $(BUILD)/test/tests/unit/%.o $(BUILD)/test/libcore.a
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(DEPS_LIBS)

unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
