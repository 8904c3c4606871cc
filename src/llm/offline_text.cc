#include "llm/offline_text.h"

#include <algorithm>

#include "base/check.h"

namespace kelpie::llm {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

int64_t estimate_tokens(std::string_view text) {
  return (static_cast<int64_t>(text.size()) + 3) / 4;
}

std::string ascii_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return lower;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string_view utf8_prefix(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  size_t end = bytes_max;
  // At most three steps back: bytes that are not UTF-8 are cut where the bound is.
  while (end > 0 && bytes_max - end < 3 && is_continuation(text[end])) {
    --end;
  }
  return text.substr(0, is_continuation(text[end]) ? bytes_max : end);
}

std::vector<std::string_view> word_pieces(std::string_view text, size_t piece_bytes_max) {
  CHECK(piece_bytes_max >= 4);
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    // No further than a piece can reach, and a byte more: a long word must not be searched anew for
    // each of its pieces.
    const std::string_view reach = text.substr(0, piece_bytes_max + 1);
    size_t end = reach.find_first_of(kSpaces);
    end = end == std::string_view::npos ? reach.size() : reach.find_first_not_of(kSpaces, end);
    end = std::min(end, reach.size());
    const std::string_view piece = utf8_prefix(text.substr(0, end), piece_bytes_max);
    pieces.push_back(piece);
    text.remove_prefix(piece.size());
  }
  return pieces;
}

std::string_view balanced_object(std::string_view text) {
  size_t depth = 0;
  enum class In { kJson, kString, kEscape } in = In::kJson;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in == In::kEscape) {
      in = In::kString;
    } else if (in == In::kString) {
      in = c == '\\' ? In::kEscape : (c == '"' ? In::kJson : In::kString);
    } else if (c == '"') {
      in = In::kString;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return text.substr(0, i + 1);
    }
    if (depth == 0) {
      return {};
    }
  }
  return {};
}

}  // namespace kelpie::llm
