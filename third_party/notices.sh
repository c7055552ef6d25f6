#!/bin/sh
# Prints, as C string literals, the notices of everything that is linked into the program: ours,
# then each library's as its Debian package has it, then what the LGPL of the C library asks for.
set -u
cd "$(dirname "$0")/.." || exit 1

text() {
    echo "farspan is linked statically with the libraries named below. Their notices follow ours."
    echo
    cat LICENSE
    for package in libsodium-dev libzstd-dev libxxhash-dev libstb-dev libev-dev libc-ares-dev \
        libjansson-dev libxcb1-dev libxau-dev libxdmcp-dev libc6-dev; do
        version=$(dpkg-query -W -f='${source:Version}' "$package" 2>/dev/null)
        printf '\n==== %s %s ====\n\n' "$package" "${version:-(of unknown version)}"
        cat "/usr/share/doc/$package/copyright" 2>/dev/null ||
            echo "(its notice was not on the machine that built this)"
    done
    cat <<'X'

==== libgcc ====

Parts of GCC's run-time library, GPL version 3 or later with the GCC Runtime Library Exception 3.1,
which permits linking it into programs under any terms.

==== How to link with another C library ====

This program contains parts of the GNU C Library, which is covered by the GNU Lesser General Public
License, version 2.1 or later; its text follows. You may change that library and use the changed
one: farspan's complete source code comes under the licence above, its `make` compiles it and links
it with the libc.a that the compiler finds, and `make CC="gcc -L/your/folder"` chooses another.

X
    cat /usr/share/common-licenses/LGPL-2.1 2>/dev/null ||
        echo "(the text: https://www.gnu.org/licenses/old-licenses/lgpl-2.1.txt)"
}

# Backslashes and quotes are escaped, tabs become spaces, other control characters go.
text | expand | tr -d '\000-\011\013-\037\177' | sed 's/[\\"]/\\&/g; s/^/"/; s/$/\\n"/'
