// Text helpers of the offline model: pure, byte for byte the same everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kelpie::llm {

// A quarter of the bytes, rounded up. No tokenizer: the same on every machine.
int64_t estimate_tokens(std::string_view text);

// ASCII letters in lower case, all other bytes as they are; the same length.
std::string ascii_lower(std::string_view text);

// Without spaces, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text);

// The longest prefix of at most `bytes_max` bytes that cuts no UTF-8 sequence.
std::string_view utf8_prefix(std::string_view text, size_t bytes_max);

// The text in pieces the size of a word with the space after it, none longer than `piece_bytes_max`
// (at least 4), none cutting a UTF-8 sequence. Together they are the text.
std::vector<std::string_view> word_pieces(std::string_view text, size_t piece_bytes_max = 64);

// The JSON object that starts at text[0] == '{', by balance of braces outside of strings; empty
// when it does not end. What is inside is not looked at.
std::string_view balanced_object(std::string_view text);

}  // namespace kelpie::llm
