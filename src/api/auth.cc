#include "api/auth.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "codec/http1_text.h"
#include "codec/url.h"

namespace kelpie::api {
namespace {

// Four decimal parts; a browser writes every IPv4 address so.
bool is_ipv4(std::string_view host) {
  for (int part = 0; part < 4; ++part) {
    uint8_t value = 0;
    const auto [end, code] = std::from_chars(host.data(), host.data() + host.size(), value);
    if (code != std::errc()) {
      return false;
    }
    host.remove_prefix(static_cast<size_t>(end - host.data()));
    if (part < 3) {
      if (!host.starts_with('.')) {
        return false;
      }
      host.remove_prefix(1);
    }
  }
  return host.empty();
}

bool is_own_host(std::string_view host, const std::vector<std::string>& allowed_hosts) {
  // Only an address in brackets has colons by now.
  if (host == "localhost" || is_ipv4(host) || host.find(':') != std::string_view::npos) {
    return true;
  }
  return std::ranges::any_of(allowed_hosts, [&](const std::string& allowed) {
    return codec::lower_case(allowed) == host;
  });
}

// `host`, `host:port`; a port that is left out is the scheme's own. The host comes in lower case.
std::optional<codec::Url> split_host(std::string_view scheme, std::string_view text) {
  if (text.find_first_of("/?#") != std::string_view::npos) {
    return std::nullopt;
  }
  auto url = codec::split_url(std::string(scheme) + "://" + std::string(text));
  if (!url.ok()) {
    return std::nullopt;
  }
  url->host = codec::lower_case(url->host);
  return std::move(*url);
}

// `null`, and what is no URL of the web, is nobody's own origin.
bool is_same_origin(const std::string& origin, const std::string& host) {
  const size_t end = origin.find("://");
  if (end == std::string::npos) {
    return false;
  }
  const std::string scheme = origin.substr(0, end);
  const auto from = split_host(scheme, std::string_view(origin).substr(end + 3));
  // The scheme is the origin's: a proxy that speaks TLS for us passes on what it was sent.
  const auto to = split_host(scheme, host);
  return from.has_value() && to.has_value() && from->host == to->host && from->port == to->port;
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view expected) {
  // Compares as many bytes as were given; the difference in length is folded in, not branched on.
  volatile unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char other = expected.empty() ? '\0' : expected[i % expected.size()];
    difference = static_cast<unsigned char>(difference | (given[i] ^ other));
  }
  return difference == 0;
}

bool authorised(const net::Headers& headers, std::string_view key) {
  if (key.empty()) {
    return true;
  }
  struct Scheme {
    std::string_view header;
    std::string_view prefix;
  };
  for (const Scheme& scheme :
       {Scheme{"authorization", "Bearer "}, Scheme{"x-bare-password", "password "}}) {
    const std::string* value = net::find_header(headers, scheme.header);
    if (value != nullptr && value->starts_with(scheme.prefix) &&
        equal_in_constant_time(std::string_view(*value).substr(scheme.prefix.size()), key)) {
      return true;
    }
  }
  return false;
}

std::optional<std::string> refusal_without_key(const net::Headers& headers,
                                               const std::vector<std::string>& allowed_hosts) {
  const std::string* host = net::find_header(headers, "host");
  const auto split = split_host("http", host == nullptr ? "" : *host);
  if (!split.has_value() || !is_own_host(split->host, allowed_hosts)) {
    return "without an API key this server expects a Host header that is an IP address, localhost "
           "or the host that it listens on: use one of these, or set an API key";
  }
  for (const auto& [name, value] : headers) {
    if (name == "origin" && !is_same_origin(value, *host)) {
      return "without an API key this server expects no Origin header, or one that is the same "
             "host and port as the Host header: to call it from another web page, set an API key";
    }
  }
  return std::nullopt;
}

}  // namespace kelpie::api
