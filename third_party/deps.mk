# How each dependency is found: Debian packages with static archives (see third_party/README.md).
DEPS_CFLAGS = -isystem /usr/include/stb
DEPS_LIBS = -lxcb-shm -lxcb-damage -lxcb-xfixes -lxcb-xtest -lxcb-randr -lxcb-xkb -lxcb-render \
            -lxcb -lXau -lXdmcp -lsodium -lzstd -lxxhash -lev -ljansson -lcares -lm -lpthread
