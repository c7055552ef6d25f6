#include "third_party/notices.h"

const char notices_text[] =
#include "notices.inc"
    ;
