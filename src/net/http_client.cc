#include "net/http_client.h"

#include <deque>
#include <map>
#include <string_view>
#include <utility>

#include "async/select.h"
#include "codec/http1.h"
#include "codec/url.h"
#include "net/http_exchange.h"
#include "net/read_ahead.h"
#include "net/tls.h"
#include "world/clock.h"
#include "world/net.h"

namespace kelpie::net {
namespace {

// Servers close idle connections after a minute or so; one that is nearly that old is not worth
// the race.
constexpr Duration kIdleTime = Duration::seconds(50);

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

Result<std::string> request_bytes(const ClientRequest& request, const codec::Url& url) {
  Headers headers;
  headers.emplace_back("host", url.authority());
  for (const auto& header : request.headers) {
    if (header.first != "host" && header.first != "content-length" &&
        header.first != "connection" && header.first != "transfer-encoding") {
      headers.push_back(header);
    }
  }
  if (find_header(headers, "user-agent") == nullptr) {
    headers.emplace_back("user-agent", "kelpie");
  }
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    headers.emplace_back("content-length", std::to_string(request.body.size()));
  }
  std::string bytes = TRY(codec::write_request_head(request.method, url.target, headers));
  bytes.append(request.body);
  return bytes;
}

}  // namespace

class HttpClient::Impl {
 public:
  Impl(World& world, HttpClientOptions options) : world_(world), options_(std::move(options)) {}

  Task<ClientResponse> send(ClientRequest request) {
    const codec::Url url = co_await codec::split_url(request.url);
    const std::string bytes = co_await request_bytes(request, url);
    const std::string host = url.scheme + "://" + url.host + ":" + std::to_string(url.port);

    std::unique_ptr<ReadAhead> idle = take_idle(host);
    if (idle != nullptr) {
      std::unique_ptr<HttpExchange> exchange = begin(std::move(idle), request, host, bytes);
      Result<codec::ResponseHead> head = co_await exchange->head().result();
      if (head.ok()) {
        co_return respond(std::move(head).value(), std::move(exchange));
      }
      // The server may have closed the idle connection just as we wrote. Then it has not seen the
      // request, or at least may see it again; any other failure is the caller's to judge.
      const bool again = exchange->ended_unanswered() &&
                         (is_idempotent(request.method) || exchange->sent_nothing());
      if (!again) {
        co_return std::move(head).error().with_context(host);
      }
    }

    Result<std::unique_ptr<ReadAhead>> fresh =
        co_await async::timeout(world_.loop, request.connect_timeout, connect(url)).result();
    if (!fresh.ok()) {
      co_return std::move(fresh).error().with_context("connecting to " + host);
    }
    std::unique_ptr<HttpExchange> exchange = begin(std::move(fresh).value(), request, host, bytes);
    Result<codec::ResponseHead> head = co_await exchange->head().result();
    if (!head.ok()) {
      co_return std::move(head).error().with_context(host);
    }
    co_return respond(std::move(head).value(), std::move(exchange));
  }

 private:
  struct Idle {
    std::unique_ptr<ReadAhead> connection;
    Instant since;
  };

  std::unique_ptr<HttpExchange> begin(std::unique_ptr<ReadAhead> connection,
                                      const ClientRequest& request, const std::string& host,
                                      std::string bytes) {
    auto exchange = std::make_unique<HttpExchange>(
        world_.loop, std::move(connection),
        HttpExchangeOptions{.request = request.method == "HEAD" ? codec::ResponseTo::kHead
                                                                : codec::ResponseTo::kOther,
                            .header_bytes_max = options_.header_bytes_max,
                            .silence_max = request.read_timeout},
        [this, host](std::unique_ptr<ReadAhead> released) {
          give_back(host, std::move(released));
        });
    exchange->send(std::move(bytes));
    return exchange;
  }

  static ClientResponse respond(codec::ResponseHead head, std::unique_ptr<HttpExchange> exchange) {
    ClientResponse response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    response.body = std::move(exchange);
    return response;
  }

  Task<std::unique_ptr<ReadAhead>> connect(codec::Url url) {
    std::unique_ptr<world::ByteStream> stream =
        co_await world_.net.dial(world::Address{.host = url.host, .port = url.port});
    if (url.scheme == "https") {
      if (!roots_.has_value()) {
        roots_.emplace(co_await (options_.ca_pem.empty() ? TlsRoots::load(options_.ca_file)
                                                         : TlsRoots::parse(options_.ca_pem)));
      }
      stream = co_await tls_connect(world_.loop, *roots_, std::move(stream), url.host,
                                    world_.clock.wall());
    }
    co_return std::make_unique<ReadAhead>(world_.loop, std::move(stream));
  }

  [[nodiscard]] bool usable(const Idle& idle) const {
    return !idle.connection->ended() && idle.connection->buffered().empty() &&
           world_.loop.now() - idle.since < kIdleTime;
  }

  // The one that was used last: it is the likeliest to live, and the others may age away.
  std::unique_ptr<ReadAhead> take_idle(const std::string& host) {
    prune(host);
    const auto found = idle_.find(host);
    if (found == idle_.end()) {
      return nullptr;
    }
    std::unique_ptr<ReadAhead> connection = std::move(found->second.back().connection);
    found->second.pop_back();
    if (found->second.empty()) {
      idle_.erase(found);
    }
    return connection;
  }

  void give_back(const std::string& host, std::unique_ptr<ReadAhead> connection) {
    prune(host);
    std::deque<Idle>& idle = idle_[host];
    idle.push_back(Idle{.connection = std::move(connection), .since = world_.loop.now()});
    if (idle.size() > options_.idle_connections_per_host_max) {
      idle.pop_front();
    }
    if (idle.empty()) {
      idle_.erase(host);
    }
  }

  void prune(const std::string& host) {
    const auto found = idle_.find(host);
    if (found == idle_.end()) {
      return;
    }
    std::erase_if(found->second, [this](const Idle& idle) { return !usable(idle); });
    if (found->second.empty()) {
      idle_.erase(found);
    }
  }

  World& world_;
  HttpClientOptions options_;
  std::optional<TlsRoots> roots_;
  std::map<std::string, std::deque<Idle>> idle_;
};

HttpClient::HttpClient(World& world, HttpClientOptions options)
    : impl_(std::make_unique<Impl>(world, std::move(options))) {}

HttpClient::~HttpClient() = default;

Task<ClientResponse> HttpClient::send(ClientRequest request) {
  return impl_->send(std::move(request));
}

Task<std::string> read_all(BodySource& body, size_t bytes_max) {
  std::string all;
  while (true) {
    std::optional<std::string> piece = co_await body.next();
    if (!piece.has_value()) {
      co_return std::move(all);
    }
    if (piece->size() > bytes_max - all.size()) {
      co_return base::out_of_range("expected a body of at most " + std::to_string(bytes_max) +
                                   " bytes");
    }
    all.append(*piece);
  }
}

}  // namespace kelpie::net
