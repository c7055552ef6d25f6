# farspan: `make help` lists the targets, V=1 shows commands. Sources are found by wildcard: a new
# file needs no edit.
CC = gcc
CLANG = clang
BUILD = build
PREFIX = /usr/local
DESTDIR =
Q = $(if $(V),,@)
SAY = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo)
include third_party/deps.mk

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
       -Wcast-qual -Wwrite-strings -Wvla -Wundef -Wformat=2
OPT = -O3 -g -fno-omit-frame-pointer
HARDEN = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
HARDEN_LINK = -static-pie -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections
SECTIONS = -ffunction-sections -fdata-sections
BASE_CFLAGS = -std=gnu11 -I. -I$(BUILD)/gen -D_GNU_SOURCE -MMD -MP $(WARN) $(DEPS_CFLAGS)
ASAN = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN = -O1 -g -fno-omit-frame-pointer -fsanitize=thread
FUZZ = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all \
       -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
COVER = -O1 -g -fprofile-instr-generate -fcoverage-mapping \
        -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

CORE_SRC = $(sort $(wildcard core/*/*.c third_party/*.c))
CMD_SRC = $(sort $(wildcard cmd/*.c))
# What test programs share: every .c of the test folders that is not a program itself.
TEST_DIRS = unit sim kern golden fault ref e2e
TEST_SRC = $(filter-out %_test.c,$(sort $(wildcard $(TEST_DIRS:%=tests/%/*.c))))
LIB_SRC = $(CORE_SRC) $(CMD_SRC) $(TEST_SRC)
# A test program is tests/FOLDER/NAME_test.c; its NAME_test is unique in the tree.
TEST_NAMES = $(basename $(notdir $(sort $(wildcard $(TEST_DIRS:%=tests/%/*_test.c)))))
UNIT_NAMES = $(basename $(notdir $(sort $(wildcard tests/unit/*_test.c))))
# Programs with threads in them: these also run under TSan.
TSAN_NAMES = $(filter pool_test %_thread_test,$(TEST_NAMES))
FUZZ_NAMES = $(basename $(notdir $(sort $(wildcard tests/fuzz/*_fuzz.c))))
CLI_TESTS = $(sort $(wildcard tests/cli/*.sh))
E2E_TESTS = $(sort $(wildcard tests/e2e/*.sh tests/e2e/*_test.py))
SIM_TESTS = $(sort $(wildcard tests/sim/*.sh))
# Second implementations, from the docs alone, which check the golden files.
REF_TESTS = $(sort $(wildcard tests/ref/*_ref.py))
FUZZ_SECONDS = 60
FULL_FUZZ_SECONDS = 60
JOBS = $(shell nproc)

.DEFAULT_GOAL = all
all: $(BUILD)/farspan ## build build/farspan, one static file

# $(call variant,FOLDER,COMPILER,FLAGS,PROGRAMS): the same sources once more, compiled otherwise:
# objects and libfarspan.a in build/FOLDER, a dynamic build/FOLDER/farspan, tests in build/PROGRAMS.
define variant
$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	$$(SAY) "CC $$@"
	$$(Q)$(2) $$(BASE_CFLAGS) $(3) $$(CFLAGS) -c -o $$@ $$<
$(BUILD)/$(1)/third_party/notices.o: $(BUILD)/gen/notices.inc
$(BUILD)/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$(2) $$(BASE_CFLAGS) $(3) $$(CFLAGS)' | cmp -s - $$@ || echo '$(2) $$(BASE_CFLAGS) $(3) $$(CFLAGS)' >$$@
$(BUILD)/$(1)/sources: FORCE
	@mkdir -p $$(@D)
	@echo '$$(LIB_SRC)' | cmp -s - $$@ || echo '$$(LIB_SRC)' >$$@
$(BUILD)/$(1)/libfarspan.a: $$(LIB_SRC:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/$(1)/sources
	@rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
$(BUILD)/$(1)/farspan: $(BUILD)/$(1)/main.o $(BUILD)/$(1)/libfarspan.a
	$$(SAY) "LINK $$@"
	$$(Q)$(2) $(3) -o $$@ $$^ $$(DEPS_LIBS)
$(foreach d,$(TEST_DIRS),
$(BUILD)/$(4)/%: $(BUILD)/$(1)/tests/$(d)/%.o $(BUILD)/$(1)/libfarspan.a
	@mkdir -p $$(@D)
	$$(SAY) "LINK $$@"
	$$(Q)$(2) $(3) -o $$@ $$^ $$(DEPS_LIBS)
)
endef

$(eval $(call variant,static,$(CC),$(OPT) $(HARDEN) $(SECTIONS),static/unit))
$(eval $(call variant,plain,$(CC),-O2 -g -Werror,unit))
$(eval $(call variant,asan,$(CC),$(ASAN),asan/unit))
$(eval $(call variant,tsan,$(CC),$(TSAN),tsan/unit))
$(eval $(call variant,clang,$(CLANG),-O1 -Werror,clang/unit))
$(eval $(call variant,fuzz,$(CLANG),$(FUZZ) -fsanitize=fuzzer-no-link,fuzz/unit))
$(eval $(call variant,cover,$(CLANG),$(COVER) -fsanitize=fuzzer-no-link,cover/unit))

$(BUILD)/gen/notices.inc: third_party/notices.sh LICENSE
	@mkdir -p $(@D)
	$(Q)sh third_party/notices.sh >$@

# Tools of the benchmarks and end-to-end tests: tests/bench/NAME.c.
$(BUILD)/bench/%: $(BUILD)/plain/tests/bench/%.o $(BUILD)/plain/libfarspan.a
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(DEPS_LIBS)

# The product. Debug information goes to a file of its own, which gdb finds by its link.
STATIC_OBJ = $(patsubst %.c,$(BUILD)/static/%.o,main.c $(CMD_SRC) $(CORE_SRC))
$(BUILD)/farspan.debug: $(STATIC_OBJ) $(BUILD)/static/sources
	$(SAY) "LINK $@"
	$(Q)$(CC) $(HARDEN_LINK) -o $@ $(STATIC_OBJ) $(DEPS_LIBS)
$(BUILD)/farspan: $(BUILD)/farspan.debug
	$(Q)strip -o $@.tmp $< && objcopy --add-gnu-debuglink=$< $@.tmp && mv $@.tmp $@

demo: deps ## build, then see the main job done on the built-in desktop
	@$(MAKE) --no-print-directory -s -j $(JOBS) all
	@tests/demo.sh

deps: ## install what the build needs (Debian, Ubuntu)
	@sh third_party/deps.sh build

deps-check: ## install what the tests need more
	@sh third_party/deps.sh check

# $(call chosen,NAMES): all, or the one that T names.
chosen = $(if $(T),$(filter $(T),$(1)),$(1))

unit: $(patsubst %,$(BUILD)/unit/%,$(call chosen,$(UNIT_NAMES))) ## build and run the unit tests (T=NAME: only that program)
	@tests/run -j 2 $^

# Overnight: the cheapest swarms by default; SWARM=swarm and SWARM=desk-swarm have pictures in them.
FIRST = 1
SWARM = path-swarm
sim: $(BUILD)/sim ## the simulator: build/sim --list, NAME, --swarm FIRST COUNT; SEEDS=N (FIRST=, SWARM=): so many swarms
	@$(if $(SEEDS),sh tests/night.sh $(SEEDS) $(FIRST) $(SWARM) $(JOBS),$<)
$(BUILD)/sim: $(BUILD)/unit/sim_test
	@ln -sf unit/sim_test $@

asan-check: $(patsubst %,$(BUILD)/asan/unit/%,$(call chosen,$(TEST_NAMES))) ## all C tests under ASan and UBSan
	@tests/run -j 2 $^

tsan-check: $(patsubst %,$(BUILD)/tsan/unit/%,$(call chosen,$(TSAN_NAMES))) ## the programs with threads under TSan
	@tests/run -j 2 $^

lint: all ## check the laws of the house (tests/lint/layers.txt and lint.py)
	@tests/run tests/lint/lint.py

map: ## print the code map: every header with its sentence
	@tests/lint/lint.py --map

report: ## sizes to think about and formatting to look at; never fails
	@tests/lint/report.py

check: deps deps-check ## install, build, run every quick test
	@$(MAKE) --no-print-directory -s -j $(JOBS) check-run

# Both compilers with warnings as errors, then everything in one run that gives one total.
CHECK_BUILDS = $(BUILD)/farspan $(BUILD)/bench/udp_blast $(BUILD)/clang/farspan \
               $(BUILD)/asan/farspan $(BUILD)/asan/unit/sim_test man \
               $(patsubst %.c,$(BUILD)/clang/%.o,$(wildcard $(TEST_DIRS:%=tests/%/*_test.c)))
# The scenarios run plain, and the swarms under ASan (tests/sim/swarm.sh): with FARSPAN_FULL both do.
ASAN_NAMES = $(filter-out $(if $(FARSPAN_FULL),,sim_test),$(TEST_NAMES))
# A time-out is for what hangs, also on a busy machine.
CHECK_RUNS = -t $(if $(FARSPAN_FULL),1800,300) tests/lint/lint.py -j 2 tests/lint/self_test.py $(REF_TESTS) \
             $(TEST_NAMES:%=$(BUILD)/unit/%) $(ASAN_NAMES:%=$(BUILD)/asan/unit/%) \
             $(TSAN_NAMES:%=$(BUILD)/tsan/unit/%) $(FUZZ_NAMES:%=$(BUILD)/fuzz/%.replay) \
             $(SIM_TESTS) -j 1 $(CLI_TESTS) $(E2E_TESTS)
check-run: $(CHECK_BUILDS) $(filter $(BUILD)/%,$(CHECK_RUNS))
	@tests/run $(CHECK_RUNS)

check-full: deps deps-check ## check and what takes longer (FARSPAN_FULL=1 in the tests), then the corpora's reach and fuzz
	@FARSPAN_FULL=1 $(MAKE) --no-print-directory -s -j $(JOBS) check-run
	@$(MAKE) --no-print-directory -s fuzz-cover
	@$(MAKE) --no-print-directory -s fuzz FUZZ_SECONDS=$(FULL_FUZZ_SECONDS)

# A fuzz target is tests/fuzz/NAME_fuzz.c, its inputs so far are tests/fuzz/corpus/NAME_fuzz/.
$(BUILD)/fuzz/%_fuzz: $(BUILD)/fuzz/tests/fuzz/%_fuzz.o $(BUILD)/fuzz/libfarspan.a
	$(SAY) "LINK $@"
	$(Q)$(CLANG) $(FUZZ) -fsanitize=fuzzer -o $@ $^ $(DEPS_LIBS)
$(BUILD)/fuzz/%.replay: $(BUILD)/fuzz/% tests/fuzz/replay.sh
	@printf '#!/bin/sh\nexec sh tests/fuzz/replay.sh %s\n' $< >$@ && chmod +x $@

fuzz: $(patsubst %,$(BUILD)/fuzz/%,$(call chosen,$(FUZZ_NAMES))) ## run every fuzz target for FUZZ_SECONDS (T=NAME: only that)
	@sh tests/fuzz/fuzz.sh $(FUZZ_SECONDS) $^

$(BUILD)/cover/%_fuzz: $(BUILD)/cover/tests/fuzz/%_fuzz.o $(BUILD)/cover/libfarspan.a
	$(SAY) "LINK $@"
	$(Q)$(CLANG) $(COVER) -fsanitize=fuzzer -o $@ $^ $(DEPS_LIBS)

fuzz-cover: $(FUZZ_NAMES:%=$(BUILD)/cover/%) ## print which share of the decoders the corpora reach; >= 90 % each
	@sh tests/fuzz/cover.sh $^

# Timed lines of the issues; ARGS="--runs 1 age" chooses.
SLICE_TOOLS = $(addprefix $(BUILD)/bench/,scroll_clock y4m_age flood udp_blast)
bench-codec: $(BUILD)/bench/bench_codec ## bytes and time of the block codec (ARGS=FILE.ppm)
	@$< $(ARGS)

bench-link: all $(BUILD)/bench/flood_link ## measure the path beside TCP and TLS (ARGS="--runs 5 rows"); no part of check
	@tests/bench/link.sh $(ARGS)

bench-guest: all ## move small Linux guests, ours and stock QEMU's way (ARGS="--runs 3 --guest idle"); no part of check
	@tests/bench/guest.py $(ARGS)

bench-debian: all ## move a Debian guest of 1 GiB with a database at work (ARGS="--case known"; needs mmdebstrap); no part of check
	@tests/bench/debian.py $(ARGS)

bench-resident: all ## how much memory a move of a guest of 4 GiB takes; no part of check
	@tests/bench/resident.py $(ARGS)

bench-slice: all $(SLICE_TOOLS) ## measure what has a figure to keep (ARGS="age ..."); no part of check
	@tests/bench/slice.sh $(ARGS)

man: $(BUILD)/farspan ## write the manual pages to build/man
	@rm -rf $(BUILD)/man && mkdir -p $(BUILD)/man
	@$(BUILD)/farspan help --man >$(BUILD)/man/farspan.1
	@$(BUILD)/farspan help --list | while read -r name; do \
	    $(BUILD)/farspan help --man $$name >"$(BUILD)/man/farspan-$$(echo $$name | tr ' ' -).1"; done

install: all man ## install the program and its manual (PREFIX, DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(BUILD)/farspan $(DESTDIR)$(PREFIX)/bin/farspan
	install -m 644 $(BUILD)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/user
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' docs/systemd/farspan-serve.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/user/farspan-serve.service

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1	\2/p' Makefile | expand -t 14

clean: ## remove everything built
	rm -rf $(BUILD)

FORCE:
.PHONY: all bench-codec bench-slice bench-guest bench-debian bench-resident demo deps deps-check unit sim asan-check tsan-check lint map report check check-run \
        check-full fuzz fuzz-cover man install help clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
