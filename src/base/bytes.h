// Bytes: keys, values and wire data. A Bytes owns, a ByteView does not.
#pragma once

#include <string>
#include <string_view>

namespace kelpie::base {

using Bytes = std::string;
using ByteView = std::string_view;

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);

// True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(ByteView bytes);

}  // namespace kelpie::base

namespace kelpie {
using base::Bytes;
using base::ByteView;
}  // namespace kelpie
