// The file that says where a FoundationDB cluster is. The client library reads it by itself, and
// reports a wrong one only when the first transaction fails; so it is looked at here first.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::store {

// The line `description:id@address,...` of a cluster file's text. invalid_argument says what is
// wrong with it. Pure.
Result<std::string> cluster_line_of(ByteView text);

// The same of a file. invalid_argument names the file that is not there, cannot be read, or is
// none.
Result<std::string> read_cluster_file(const std::string& path);

}  // namespace kelpie::store
