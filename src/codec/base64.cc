#include "codec/base64.h"

#include <cstdint>

namespace kelpie::codec {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::string base64_encode(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t have = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < have ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out.push_back(j <= have ? kAlphabet[group >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out;
}

Result<Bytes> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return base::invalid_argument("expected base64 in groups of 4, got " +
                                  std::to_string(text.size()) + " characters");
  }
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    size_t have = 4;
    if (i + 4 == text.size()) {
      have -= text[i + 3] == '=' ? (text[i + 2] == '=' ? 2U : 1U) : 0U;
    }
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      const int value = j < have ? digit(text[i + j]) : 0;
      if (value < 0) {
        return base::invalid_argument("expected base64, got another character at " +
                                      std::to_string(i + j));
      }
      group = group << 6 | static_cast<uint32_t>(value);
    }
    const uint32_t unused = have == 4 ? 0 : (have == 3 ? 0xffU : 0xffffU);
    if ((group & unused) != 0) {
      return base::invalid_argument("expected base64 whose last unused bits are 0");
    }
    for (size_t j = 0; j + 1 < have; ++j) {
      out.push_back(static_cast<char>(group >> (16 - 8 * j) & 0xff));
    }
  }
  return out;
}

}  // namespace kelpie::codec
