#include "kelpie/convert.h"

#include <string>

#include "codec/base64.h"

namespace kelpie::detail {

Error expected(std::string_view what, const Json& got) {
  return base::invalid_argument("expected " + std::string(what) + ", got " + got.describe());
}

std::string encode_base64(const Bytes& bytes) { return codec::base64_encode(bytes); }

Result<Bytes> decode_base64(const Json& json) {
  const std::string* text = json.as_string();
  if (text == nullptr) {
    return expected("bytes as a string in base64", json);
  }
  return codec::base64_decode(*text);
}

Result<Bytes> encode_array(Json::Array elements) {
  return Json::array(std::move(elements)).write();
}

Result<Json::Array> decode_array(ByteView bytes, size_t size) {
  // No bytes at all are no arguments.
  const Json json = bytes.empty() ? Json::array({}) : TRY(Json::parse(bytes));
  const Json::Array* elements = json.as_array();
  if (elements == nullptr) {
    return expected("the arguments as a JSON array", json);
  }
  if (elements->size() != size) {
    return base::invalid_argument("expected " + std::to_string(size) + " arguments, got " +
                                  std::to_string(elements->size()));
  }
  return *elements;
}

Error in_argument(Error error, size_t index) {
  return std::move(error).with_context("argument " + std::to_string(index + 1));
}

}  // namespace kelpie::detail
