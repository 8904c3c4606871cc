// Small text rules that HTTP parsing and writing share.
#pragma once

#include <string>
#include <string_view>

namespace kelpie::codec {

// ASCII only, whatever the locale.
std::string lower_case(std::string_view text);

// Is `token` (lower case) in a comma separated list such as a Connection header's?
bool has_token(std::string_view list, std::string_view token);

// RFC 9110, section 5.6.2.
bool is_token(std::string_view text);

// A field value without control bytes; tabs are allowed (section 5.5).
bool is_field_value(std::string_view text);

}  // namespace kelpie::codec
