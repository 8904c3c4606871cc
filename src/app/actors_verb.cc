#include "app/actors_verb.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

#include "app/actors_text.h"
#include "codec/json.h"
#include "net/http_client.h"
#include "real/process.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"

namespace kelpie::app {
namespace {

// Of an answer: a thousand rows with all that they show.
constexpr size_t kAnswerBytesMax = 32 * 1024 * 1024;

Task<std::string> ask(net::HttpClient& client, net::ClientRequest request, std::string url) {
  net::ClientResponse response = co_await client.send(std::move(request));
  auto body = co_await net::read_all(*response.body, kAnswerBytesMax).result();
  if (response.status != 200) {
    co_return refusal_of(response.status, body.ok() ? *body : "", url);
  }
  co_return std::move(body);
}

}  // namespace

Result<void> run_actors(const ActorsCommand& command, const ActorsRequest& request,
                        const ServerPlace& server) {
  net::Headers headers = TRY(key_headers(server.api_key));
  real::ignore_broken_pipes();
  real::RealLog log(real::LogOptions{.level = world::LogLevel::kWarn});
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("actors"));
  std::string body;
  {
    net::HttpClient client(real.world(), {.ca_file = server.ca_file});
    net::ClientRequest asked{.method = request.method,
                             .url = url_at(server, request.target),
                             .headers = std::move(headers)};
    body = TRY(loop.run(ask(client, std::move(asked), url_at(server, ""))));
  }
  if (command.json) {
    fmt::print("{}\n", body);
    return kOk;
  }
  auto answer = codec::parse_json(body);
  if (!answer.ok()) {
    return std::move(answer).error().with_context("the answer of the server at " +
                                                  url_at(server, ""));
  }
  fmt::print("{}", actors_text(command, *answer));
  return kOk;
}

}  // namespace kelpie::app
