// TlsListener: the server's side of TLS on a simulated host of the outside world, over OpenSSL's
// memory BIOs. The client's side is the production code, net/tls.h.
#pragma once

#include <memory>
#include <string>

#include "async/loop.h"
#include "world/net.h"

namespace kelpie::sim {

// An Ed25519 key and a certificate that it has signed itself, valid for one host name from 2020 to
// 2060: a function of the name. The key guards nothing: everybody can read it.
class TlsIdentity {
 public:
  explicit TlsIdentity(const std::string& host);
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;
  ~TlsIdentity();

  // For those who are to trust it.
  [[nodiscard]] std::string certificate_pem() const;

 private:
  friend class TlsListener;
  struct Context;
  std::unique_ptr<Context> context_;
};

// Accepts what `listener` accepts, and shakes hands when it is first read from. TLS 1.3, no session
// tickets. A record that was damaged on its way is an error of the stream. The identity outlives
// the streams.
class TlsListener final : public world::Listener {
 public:
  TlsListener(async::Loop& loop, std::unique_ptr<world::Listener> listener,
              const TlsIdentity& identity);

  Task<std::unique_ptr<world::ByteStream>> accept() override;
  [[nodiscard]] world::Address address() const override { return listener_->address(); }
  void close() override { listener_->close(); }

 private:
  async::Loop& loop_;
  std::unique_ptr<world::Listener> listener_;
  const TlsIdentity& identity_;
};

}  // namespace kelpie::sim
