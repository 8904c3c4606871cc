#include "net/http.h"

namespace kelpie::net {

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (header.first == name) {
      return &header.second;
    }
  }
  return nullptr;
}

std::optional<Response> Handler::admit(const RequestHead&) { return std::nullopt; }

}  // namespace kelpie::net
