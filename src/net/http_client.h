// HttpClient: HTTP/1.1 requests over plain or TLS streams, with keep-alive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/task.h"
#include "base/time.h"
#include "net/http.h"
#include "world/world.h"

namespace kelpie::net {

struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http://host[:port]/path?query or https://…
  Headers headers;  // host, content-length and connection are the client's own
  std::string body;
  Duration connect_timeout = Duration::seconds(10);
  // Longest wait for the response's header, and for each further piece of its body.
  Duration read_timeout = Duration::seconds(300);
};

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::unique_ptr<BodySource> body;  // never null; an error when it was cut short
};

struct HttpClientOptions {
  // PEM file of trusted roots; empty: the system's.
  std::string ca_file;
  // Trusted roots as PEM text, instead of a file; empty: the file's.
  std::string ca_pem = {};
  size_t idle_connections_per_host_max = 16;
  size_t header_bytes_max = 64 * 1024;
};

// One Loop. Outlives its responses.
class HttpClient {
 public:
  HttpClient(World& world, HttpClientOptions options);
  ~HttpClient();

  // `unavailable` when the peer cannot be reached or breaks off, `deadline_exceeded` when it is
  // silent, `invalid_argument` for a bad URL. Any status is a success here.
  Task<ClientResponse> send(ClientRequest request);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Reads a body whole; `out_of_range` beyond `bytes_max`.
Task<std::string> read_all(BodySource& body, size_t bytes_max);

}  // namespace kelpie::net
