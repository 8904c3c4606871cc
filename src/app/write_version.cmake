# Writes OUTPUT, a header with kVersion: VERSION, and the commit when SOURCE is a git work tree. Run at
# every build; the file is touched only when its text changes.
set(full_version "${VERSION}")
find_program(GIT git)
if(GIT)
  execute_process(
    COMMAND ${GIT} -C ${SOURCE} describe --always --exclude=* --abbrev=12 --dirty=.dirty
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND commit)
    string(APPEND full_version "+${commit}")
  endif()
endif()
set(text "// Written by write_version.cmake.
#pragma once

namespace kelpie {
inline constexpr char kVersion[] = \"${full_version}\";
}  // namespace kelpie
")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
