// HTTP requests and responses as the house passes them around. Header names are lower case.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.h"
#include "codec/http1.h"

namespace kelpie::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first header of that (lower case) name, or nullptr.
const std::string* find_header(const Headers& headers, std::string_view name);

// A body that is not known whole: pulled chunk by chunk; nullopt is the clean end, an error cuts
// the connection so that the reader sees it was cut. Dropped when the peer goes away.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;
  virtual Task<std::optional<std::string>> next() = 0;
};

// What is known of a request before its body.
using RequestHead = codec::RequestHead;

struct Request {
  std::string method;  // upper case
  std::string path;    // percent-encoded as it came, without the query, starts with '/'
  std::string query;   // without '?', percent-encoded as it came
  Headers headers;
  std::string body;
  std::string peer;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::unique_ptr<BodySource> stream;  // instead of `body`: sent chunked
};

// Answers requests; many at once, one Loop. Errors are its own to turn into responses.
class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;
  // Called with every request's head before any of its body is taken in. A response refuses the
  // request: it is sent, the body is never kept, and the connection ends. Whoever passes requests
  // on to another handler passes this on too.
  virtual std::optional<Response> admit(const RequestHead& head);
  // Only for requests that were admitted.
  virtual Task<Response> handle(Request request) = 0;
  // The response for a request that never became one (400, 408, 413, 431, 503), in the API's shape.
  virtual Response reject(int status, std::string_view reason) = 0;
};

}  // namespace kelpie::net
