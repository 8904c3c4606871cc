// JSON text to boost::json::value and back (RFC 8259).
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

inline constexpr size_t kJsonDepthMax = 64;

// `invalid_argument` with the byte position for text that is not one JSON value, is not UTF-8,
// nests deeper than kJsonDepthMax, or holds a number beyond a double's range. Of equal keys in an
// object the last wins. Decimals are read to the nearest double.
Result<boost::json::value> parse_json(ByteView text);

// Compact, in the order of the objects' members: the same value gives the same bytes everywhere.
// Doubles are the shortest decimals that read back equal, and look like doubles (`1.0`, `0.7`,
// `1e21`); those that are not finite become null.
std::string write_json(const boost::json::value& value);

// `text` in quotes, escaped.
std::string write_json_string(std::string_view text);

}  // namespace kelpie::codec
