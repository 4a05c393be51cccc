# Writes TO, a C file with the bytes of FROM and a zero as NAME.
#   cmake -DFROM=... -DTO=... -DNAME=... -P embed.cmake
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${TO} "extern const unsigned char ${NAME}[];
const unsigned char ${NAME}[] = {${bytes}0};\n")
