#include "app/server_call.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cstdio>
#include <utility>

#include "codec/json.h"
#include "real/process.h"

namespace kelpie::app {

std::string url_at(const ServerPlace& server, const std::string& path) {
  std::string url = server.url;
  while (url.ends_with('/')) {
    url.pop_back();
  }
  return url + path;
}

Result<net::Headers> key_headers(const ApiKeyChoice& choice) {
  std::string key = choice.key;
  if (!choice.file.empty()) {
    real::KeyFile file = TRY(real::read_key_file(choice.file));
    if (!file.warning.empty()) {
      fmt::print(stderr, "kelpie: {}\n", file.warning);
    }
    key = std::move(file.key);
  }
  net::Headers headers;
  if (!key.empty()) {
    headers.emplace_back("authorization", "Bearer " + key);
  }
  return headers;
}

Error refusal_of(int status, const std::string& body, const std::string& url) {
  std::string detail = body.substr(0, 500);
  auto parsed = codec::parse_json(body);
  if (parsed.ok() && parsed->is_object()) {
    const boost::json::value* value = parsed->as_object().if_contains("detail");
    if (value != nullptr && value->is_string()) {
      detail = std::string(value->as_string());
    }
  }
  std::string text = "the server at " + url + " answered " + std::to_string(status);
  text += detail.empty() ? "" : ": " + detail;
  if (status == 401) {
    text += "; give its key with --api-key-file or KELPIE_API_KEY";
  }
  return base::unavailable(std::move(text));
}

}  // namespace kelpie::app
