// TLS for clients, over any ByteStream, with OpenSSL's memory BIOs: its bytes cross the World's
// network, simulated or real.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "async/task.h"
#include "base/time.h"
#include "world/net.h"

namespace kelpie::net {

// Which certificates are trusted, and as of when. Immutable; outlives the streams made with it.
class TlsRoots {
 public:
  // `ca_file` is a PEM file; empty: the system's roots. `invalid_argument` when it cannot be read.
  static Result<TlsRoots> load(const std::string& ca_file);
  // The certificates of a PEM text, at least one; else `invalid_argument`.
  static Result<TlsRoots> parse(std::string_view pem);
  TlsRoots(TlsRoots&&) noexcept;
  TlsRoots& operator=(TlsRoots&&) noexcept;
  ~TlsRoots();

 private:
  friend class TlsStream;
  struct Context;
  explicit TlsRoots(std::unique_ptr<Context> context);
  static Result<std::unique_ptr<Context>> new_context();
  std::unique_ptr<Context> context_;
};

// Shakes hands as a client of `host` (a name, or an address), TLS 1.2 or 1.3. The peer's
// certificate must be for that host, within its dates at `now`, and lead to the roots; else
// `unavailable`, with the reason. On the stream that comes out, an end without the peer's farewell
// is an error: it may be a truncation. One Loop; one reader and one writer at a time.
Task<std::unique_ptr<world::ByteStream>> tls_connect(Loop& loop, const TlsRoots& roots,
                                                     std::unique_ptr<world::ByteStream> stream,
                                                     std::string host, WallTime now);

}  // namespace kelpie::net
