// Base64 (RFC 4648, section 4: the standard alphabet, padded).
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

std::string base64_encode(ByteView bytes);

// `invalid_argument` unless the text is canonical: no white space, padding present, unused bits 0.
Result<Bytes> base64_decode(std::string_view text);

}  // namespace kelpie::codec
