#include "store/fdb/cluster_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace kelpie::store {
namespace {

constexpr std::string_view kForm = "`description:id@address:port,...`";

bool is_word_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '_';
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// `description:id`.
bool is_key(std::string_view key) {
  const size_t colon = key.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == key.size()) {
    return false;
  }
  return std::ranges::all_of(key.substr(0, colon), is_word_byte) &&
         std::ranges::all_of(key.substr(colon + 1), is_word_byte);
}

// `host:port` or `host:port:tls`.
bool is_address(std::string_view address) {
  constexpr std::string_view kTls = ":tls";
  if (address.ends_with(kTls)) {
    address.remove_suffix(kTls.size());
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == address.size()) {
    return false;
  }
  return std::ranges::all_of(address.substr(colon + 1),
                             [](char byte) { return byte >= '0' && byte <= '9'; });
}

bool are_addresses(std::string_view list) {
  for (;;) {
    const size_t comma = list.find(',');
    if (!is_address(trimmed(list.substr(0, comma)))) {
      return false;
    }
    if (comma == std::string_view::npos) {
      return true;
    }
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<std::string> cluster_line_of(ByteView text) {
  std::string_view found;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) {
      continue;
    }
    if (!found.empty()) {
      return base::invalid_argument("expected one line " + std::string(kForm) + ", found more");
    }
    found = line;
  }
  const size_t at = found.find('@');
  if (at == std::string_view::npos || !is_key(found.substr(0, at)) ||
      !are_addresses(found.substr(at + 1))) {
    return base::invalid_argument("expected one line " + std::string(kForm) + ", found `" +
                                  std::string(found) + "`");
  }
  return std::string(found);
}

Result<std::string> read_cluster_file(const std::string& path) {
  const std::string name = "the cluster file `" + path + "`";
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    return base::invalid_argument(name + " does not exist");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return base::invalid_argument(name + " is not a file");
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    return base::invalid_argument(name + " cannot be read");
  }
  Result<std::string> line = cluster_line_of(text);
  if (!line.ok()) {
    return std::move(line).error().with_context(name);
  }
  return line;
}

}  // namespace kelpie::store
