// What verbs that ask a running server have in common.
#pragma once

#include <string>

#include "app/config.h"
#include "base/error.h"
#include "base/result.h"
#include "net/http.h"

namespace kelpie::app {

// Which server, and how it is reached.
struct ServerPlace {
  std::string url;  // http://host:port or https://…, perhaps with slashes at its end
  ApiKeyChoice api_key;
  std::string ca_file;  // for https; empty: the system's
};

// The address of one of the server's paths.
std::string url_at(const ServerPlace& server, const std::string& path);
// With the key, read from its file if it is in one; warns on standard error about an unsafe file.
Result<net::Headers> key_headers(const ApiKeyChoice& choice);
// `unavailable`: what the server said when it did not answer 200.
Error refusal_of(int status, const std::string& body, const std::string& url);

}  // namespace kelpie::app
