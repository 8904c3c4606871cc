// Who may call: a bearer key, or the older password header. Without a key, whom no web page drives.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace kelpie::api {

// Takes the same time for every `given` of one length, wherever it differs.
bool equal_in_constant_time(std::string_view given, std::string_view expected);

// `Authorization: Bearer <key>` or `X-BARE-PASSWORD: password <key>`; true for all when the key is
// empty.
bool authorised(const net::Headers& headers, std::string_view key);

// For a server without a key. A web page in a browser on this machine can send it requests: by a
// name of its own that it makes resolve to this machine (`Host` says that name), or across origins
// without asking first (`Origin` says so). Why a request is refused as possibly such a one, and
// what to do, or nullopt. `Host` must be an IP address, `localhost` or one of `allowed_hosts` (in
// any case, without ports), and `Origin`, when there is one, the same host and port.
std::optional<std::string> refusal_without_key(const net::Headers& headers,
                                               const std::vector<std::string>& allowed_hosts);

}  // namespace kelpie::api
