# The toolchain of the preset `release`: one static, non-PIE executable for musl.
# package/build.sh runs this in the right place; it says where the libraries are.

set(SIGNALBOX_LIBRARIES "$ENV{SIGNALBOX_LIBRARIES}" CACHE PATH "The folder that package/libraries.sh printed")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIGNALBOX_LIBRARIES)
if(NOT EXISTS "${SIGNALBOX_LIBRARIES}/lib/libpq.a")
  message(FATAL_ERROR "SIGNALBOX_LIBRARIES is not a folder with the static libraries: "
    "build a release with `sh package/build.sh`")
endif()

set(SIGNALBOX_MACHINE "$ENV{SIGNALBOX_MACHINE}" CACHE STRING "The processor, as the compiler's name begins")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SIGNALBOX_MACHINE)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${SIGNALBOX_MACHINE})
set(CMAKE_C_COMPILER ${SIGNALBOX_MACHINE}-linux-musl-gcc)
set(CMAKE_AR ${SIGNALBOX_MACHINE}-linux-gnu-gcc-ar CACHE STRING "")
set(CMAKE_RANLIB ${SIGNALBOX_MACHINE}-linux-gnu-gcc-ranlib CACHE STRING "")

# The same bytes from any folder, and no tables for unwinding, which C does not do.
get_filename_component(top "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
string(JOIN " " CMAKE_C_FLAGS_INIT -Os -ffunction-sections -fdata-sections -fno-pie
  -fno-asynchronous-unwind-tables -fno-unwind-tables
  "\"-ffile-prefix-map=${top}=.\"" -ffile-prefix-map=${SIGNALBOX_LIBRARIES}=libraries
  -idirafter ${SIGNALBOX_LIBRARIES}/kernel)

# Pages of a static, non-PIE program hold nothing that RELRO would protect, and
# separate pages for code would only make the file longer. The stack still is not
# executable, and no segment is writable and executable.
string(JOIN " " CMAKE_EXE_LINKER_FLAGS_INIT -static -no-pie -s
  -Wl,--gc-sections,-z,noseparate-code,-z,norelro,--build-id=none,--no-eh-frame-hdr
  "\"-Wl,-T,${CMAKE_CURRENT_LIST_DIR}/release.ld\"" -Wl,-Map=signalbox.map)

# The host's libraries are for another C library: pkg-config and CMake must see
# only ours.
set(ENV{PKG_CONFIG_LIBDIR} "${SIGNALBOX_LIBRARIES}/lib/pkgconfig")
set(ENV{PKG_CONFIG_PATH} "")
set(CMAKE_FIND_ROOT_PATH "${SIGNALBOX_LIBRARIES}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
