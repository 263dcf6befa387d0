-- What each fault does to each operation: the outcome, and how many requests the server sees.
-- Read by faults_spec.lua, and by spec/support/fault_page.lua for the documentation.
--
-- A row names what goes wrong and has a column for each operation: get (get_status),
-- page (get_page), list (the iterator), delete (delete_status), all (delete_all_statuses);
-- `read` stands for the first three, `write` for the others, "any" for all five. A cell: an outcome
-- and the number of requests. Outcomes: "ok"; a kind of error; for deletions also "gone" (true,
-- "already_gone"), "count_unknown", and a kind with "/unknown" or "/unsent", which is err.outcome.
-- "A | B": both are right, since versions of libcurl differ. No cell: the fault has no meaning
-- there. The client retries twice. Behind a proxy a second number stands in brackets:
-- how often the proxy was asked (for a tunnel, or for the request itself over plain http).
--
-- How it is made: `fault`, as the emulator takes it, where the word BODY in `raw` stands for what
-- the operation expects; `h2`, a fault of spec/support/h2_server.py, that strikes `times`;
-- `server`, one of those in faults_spec.lua; `client`, options; `cut`, a fault of a balancer
-- (topaz.emulator.proxy) between the client and a server with TLS; `proxy`: see "Proxies" below.
local ALWAYS = math.huge
local HTML = "<html><body>hello</body></html>"
local MESSAGE = '{"message":"x"}'

local sections, section = {}, nil

local function about(title)
   section = { title = title }
   sections[#sections + 1] = section
end

local function row(name, given)
   local any, read, write = given.any, given.read, given.write
   section[#section + 1] = {
      name = name, fault = given.fault, h2 = given.h2, times = given.times or 1, server = given.server,
      client = given.client, cut = given.cut, proxy = given.proxy,
      cells = {
         get = given.get or read or any, page = given.page or read or any,
         list = given.list == nil and (given.page or read or any) or given.list,
         delete = given.delete == nil and (write or any) or given.delete, all = given.all or write or any,
      },
   }
end

-- The server's words count, not their body.
local function status(code, given)
   given.fault = { status = code, body = given.body or MESSAGE, times = given.times }
   row(("%d%s"):format(code, given.times and " each time" or ""), given)
end

local function retry_after(value, given)
   given.fault = { status = 429, body = "", headers = { ["Retry-After"] = value, Date = given.date } }
   local text = type(value) == "table" and table.concat(value, " and ") or value
   row(("429, Retry-After: %s%s"):format(text, given.date and ", Date: " .. given.date or ""), given)
end

-- A success whose body breaks: for a deletion the status line is enough.
local BROKEN = '{"deleted_count":3,"data":[],"pagination":{"has_next_page":false}}'
local function broken(name, fault, given)
   if given.delete == nil then given.delete = "ok 1" end
   given.all = given.all or "count_unknown 1"
   given.fault = fault
   row(name, given)
end

local function raw(name, text, given)
   given.fault = { raw = text }
   row(name, given)
end

about "No connection"
row("the name does not resolve", { server = "unresolved", read = "network/unsent 0", write = "network/unsent 0" })
row("refused", { server = "refused", read = "network/unsent 0", write = "network/unsent 0" })
row("no response to the TLS handshake",
   { server = "silent", any = "timeout/unsent 0", client = { connect_timeout = 0.1 } })
for _, ending in ipairs { "close", "reset" } do
   local word = ending == "close" and "closed" or "reset"
   row(word .. " as soon as it stands", { cut = { [ending] = "accept" }, any = "ok 1" })
   row(word .. " in the TLS handshake, at the client's hello", { cut = { [ending] = "hello" }, any = "ok 1" })
   row(word .. " in the TLS handshake, in the server's half", { cut = { [ending] = "handshake" }, any = "ok 1" })
   row(word .. " in the TLS handshake, each time",
      { cut = { [ending] = "hello", times = ALWAYS }, any = "network/unsent 0" })
end
row("silent in the TLS handshake", { cut = { silent = "handshake" }, any = "ok 1", client = { connect_timeout = 1 } })
row("silent in the TLS handshake, each time", { cut = { silent = "hello", times = ALWAYS }, any = "timeout/unsent 0",
   client = { connect_timeout = 0.2 } })
row("no TLS on the other side", { server = "plain", any = "tls/unsent 0" })
row("a certificate of an unknown authority", { server = "unknown_ca", any = "tls/unsent 0" })
row("a certificate without a signer", { server = "self_signed", any = "tls/unsent 0" })
row("a certificate for another host", { server = "wrong_host", any = "tls/unsent 0" })
row("a certificate that has expired", { server = "expired", any = "tls/unsent 0" })

about "Statuses"
for _, code in ipairs { 500, 502, 503, 504, 520, 521, 522, 523, 524 } do
   status(code, { any = "ok 2", all = "server_error/unknown 1" })
end
status(503, { times = ALWAYS, body = HTML, read = "server_error 3", delete = "server_error/unknown 3",
   all = "server_error/unknown 1" })
status(503, { body = "", any = "ok 2", all = "server_error/unknown 1" })
for _, code in ipairs { 501, 505, 511, 599 } do
   status(code, { read = "server_error 1", write = "server_error/unknown 1" })
end
status(429, { any = "ok 2" })
status(429, { times = ALWAYS, any = "rate_limited 3" })
status(408, { any = "ok 2", all = "unexpected_status/unknown 1" })
status(425, { any = "ok 2", all = "unexpected_status 1" })
status(400, { any = "bad_request 1" })
status(401, { any = "unauthorized 1" })
status(403, { any = "forbidden 1" })
status(404, { any = "not_found 1" })
status(409, { any = "conflict 1" })
for _, code in ipairs { 402, 405, 412, 413, 415, 418, 422 } do status(code, { any = "unexpected_status 1" }) end
row("600, which HTTP does not have", { fault = { raw = "HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n" },
   read = "unexpected_status 1", write = "unexpected_status/unknown 1" })
row("redirected to another host",
   { fault = { redirect = "http://127.0.0.1:1/elsewhere" }, any = "unexpected_status 1" })
row("redirected to the same host", { fault = { redirect = "/elsewhere", status = 308 }, any = "unexpected_status 1" })
row("redirected to a file", { fault = { redirect = "file:///etc/passwd", status = 301 }, any = "unexpected_status 1" })
row("300 with no Location", { fault = { status = 300, body = "" }, any = "unexpected_status 1" })

about "How long to wait"
retry_after("0", { any = "ok 2" })
retry_after("1", { any = "ok 2" })
retry_after("Thu, 09 Oct 2025 08:53:21 GMT", { date = "Thu, 09 Oct 2025 08:53:20 GMT", any = "ok 2" })
-- a clock a year ahead
retry_after("Friday, 09-Oct-26 08:53:21 GMT", { date = "Fri, 09 Oct 2026 08:53:20 GMT", any = "ok 2" })
retry_after("Sun Nov  6 08:49:37 1994", { any = "ok 2" })
retry_after("Sun, 06 Nov 1994 08:49:37 GMT", { any = "ok 2" })
for _, value in ipairs {
   "61", "86400", "1000000000", "Fri, 31 Dec 9999 23:59:59 GMT", { "86400", "0" }, { "61", "61" }, "0, 61",
} do
   retry_after(value, { any = "rate_limited 1" })
end
for _, value in ipairs {
   "soon", "-5", "1.5", "12abc", "inf", ("9"):rep(35), "Fri, 01 Jan 100000 00:00:00 GMT", "2099-10-21T07:28:00Z",
} do
   retry_after(value, { any = "ok 2" })
end
row("503, Retry-After: 86400", { fault = { status = 503, body = "", headers = { ["Retry-After"] = "86400" } },
   read = "server_error 1", write = "server_error/unknown 1" })
row("a clock a year ahead", { fault = { headers = { Date = "Fri, 09 Oct 2026 08:53:20 GMT" } }, any = "ok 1" })
row("a Date that is none", { fault = { headers = { Date = "yesterday" } }, any = "ok 1" })

about "Connections"
row("closed before it took effect", { fault = { drop = "before" }, any = "ok 2", all = "network/unknown 1" })
row("closed after it took effect",
   { fault = { drop = "after" }, read = "ok 2", delete = "gone 2", all = "network/unknown 1" })
row("closed each time", { fault = { drop = "before", times = ALWAYS },
   read = "network 3", delete = "network/unknown 3", all = "network/unknown 1" })
row("reset", { fault = { reset = true }, any = "ok 2", all = "network/unknown 1" })
row("header cut behind the status line",
   { fault = { cut_header = true }, read = "ok 2", delete = "ok 1", all = "count_unknown 1" })
row("header cut by a reset", { fault = { cut_header = true, reset = true, close_after = 0.05 },
   read = "ok 2", delete = "ok 1", all = "count_unknown 1" })
row("status line cut", { fault = { cut_header = 8 }, read = "ok 2 | protocol 1",
   delete = "gone 2 | protocol/unknown 1", all = "network/unknown 1 | protocol/unknown 1" })
row("late", { fault = { delay = 0.1 }, any = "ok 1" })
row("later than an attempt may take", { fault = { delay = 0.9 }, client = { attempt_timeout = 0.3 },
   any = "ok 2", all = "timeout/unknown 1" })
row("later than an attempt may take, each time",
   { fault = { delay = 0.9, times = ALWAYS }, client = { attempt_timeout = 0.2 },
      read = "timeout 3", delete = "timeout/unknown 3", all = "timeout/unknown 1" })
row("the header comes byte by byte",
   { fault = { drip = { bytes = 8, interval = 0.001, header = true } }, any = "ok 1" })
row("the body comes in small pieces",
   { fault = { drip = { bytes = 50, interval = 0.002 } }, read = "ok 1", all = "ok 1" })

about "What stands before the body"
local head = "HTTP/1.1 200 OK\r\n"
row("a thousand 103 before it",
   { fault = { raw_before = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", raw_before_times = 1000 },
      any = "ok 1" })
row("100 before it", { fault = { raw_before = "HTTP/1.1 100 Continue\r\n\r\n" }, any = "ok 1" })
row("a header of 200 kB",
   { fault = { big_header = 200000 }, read = "too_large 1", delete = "ok 1", all = "count_unknown 1" })
row("a header of 1 MB",
   { fault = { big_header = 1000000 }, read = "too_large 1", delete = "ok 1", all = "count_unknown 1" })
row("headers without end",
   { fault = { endless_headers = true }, read = "too_large 1", delete = "ok 1", all = "count_unknown 1" })
raw("a NUL in a header", head .. "X: a\0b\r\nContent-Length: 2\r\n\r\n[]",
   { read = "protocol 1", delete = "ok 1", all = "count_unknown 1" })
raw("no HTTP at all", "hello\r\nworld\r\n", { read = "protocol 1", write = "protocol/unknown 1" })
raw("HTTP/9.9", "HTTP/9.9 200 OK\r\n\r\n", { read = "protocol 1", write = "protocol/unknown 1" })
raw("a status line of two digits", "HTTP/1.1 20 OK\r\n\r\n", { read = "protocol 1", write = "protocol/unknown 1" })
raw("Content-Length: -5", head .. "Content-Length: -5\r\n\r\n[]",
   { read = "protocol 1", delete = "ok 1", all = "count_unknown 1" })
raw("Content-Length: abc", head .. "Content-Length: abc\r\n\r\n[]",
   { read = "protocol 1", delete = "ok 1", all = "count_unknown 1" })
raw("two lengths", head .. "Content-Length: 5\r\nContent-Length: 500\r\n\r\nBODY",
   { read = "protocol 1 | ok 2", delete = "ok 1", all = "count_unknown 1 | ok 1" })
raw("a length over 64 bits", head .. "Content-Length: 99999999999999999999\r\n\r\nBODY", { any = "ok 1" })
raw("a length beside chunks", head .. "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nCHUNK", { any = "ok 1" })

about "Bodies"
for name, how in pairs { ["with a length"] = { length = true }, ["without a length"] = { length = false },
   ["in chunks"] = { chunked = true }, ["between chunks"] = { chunked = "boundary" } } do
   how.at = 10
   broken("cut, " .. name, { truncate = how }, { read = "ok 2", delete = false })
end
table.sort(section, function(a, b) return a.name < b.name end)
broken("cut by a reset", { truncate = { at = 10, length = true }, reset = true, close_after = 0.05 },
   { read = "ok 2", delete = false })
broken("silent in the middle", { stall = { at = 10, seconds = 1.5 }, status = 200, body = BROKEN },
   { read = "ok 2", client = { attempt_timeout = 0.3 } })
for _, how in ipairs { "garbage", "overflow", "negative", "empty" } do
   broken("a chunk's size is " .. how, { malformed_chunk = how, status = 200, body = BROKEN }, { read = "protocol 1" })
end
broken("HTML", { status = 200, body = HTML, times = ALWAYS }, { read = "protocol 1" })
broken("nothing", { status = 200, body = "" }, { read = "ok 2" })
broken("another shape", { status = 200, body = '{"hello":"world"}', times = ALWAYS }, { read = "protocol 1" })
row("204", { fault = { status = 204 }, read = "protocol 1", delete = "ok 1", all = "count_unknown 1" })
raw("204 with a body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
   { read = "protocol 1", delete = "ok 1", all = "count_unknown 1" })
row("202", { fault = { status = 202, body = "" }, delete = "ok 1", all = "count_unknown 1" })
raw("bytes behind it", head .. "Content-Length: LENGTH\r\n\r\nBODYmore", { any = "ok 1" })
row("it says text/html, and is JSON",
   { fault = { headers = { ["Content-Type"] = "text/html" } }, read = "ok 1", all = "ok 1" })
broken("6 MB where 1 is allowed", { repeat_body = { prefix = "[", count = 6000000, suffix = "]", length = true } },
   { read = "too_large 1", client = { max_bytes = 1000000 } })
broken("without end", { repeat_body = { prefix = "[" } }, { read = "too_large 1", client = { max_bytes = 1000000 } })
broken("1 GB out of 1 MB gzip", { gzip_bomb = 1e9 }, { read = "too_large 1" })
broken("gzip, spoilt", { gzip_corrupt = true, status = 200, body = BROKEN:rep(20) }, { read = "protocol 1" })
broken("gzip, cut", { gzip_truncated = true }, { read = "ok 2", delete = false })
row("gzip, with a line feed behind it", { fault = { gzip_trailing = "\n" }, read = "ok 1", all = "ok 1" })
row("gzip, with zeros behind it", { fault = { gzip_trailing = ("\0"):rep(512) }, read = "ok 1", all = "ok 1" })
row("gzip, with another member behind it", { fault = { gzip_members = { text = "\n" } }, read = "ok 1", all = "ok 1" })
-- Not every libcurl unpacks the second.
broken("gzip, in two members", { gzip_members = { at = 10 } },
   { read = "ok 1 | protocol 1", delete = false, all = "ok 1 | count_unknown 1" })
broken("an encoding that was not asked for",
   { headers = { ["Content-Encoding"] = "x-own" }, status = 200, body = BROKEN }, { read = "protocol 1" })
broken("six encodings",
   { headers = { ["Content-Encoding"] = ("gzip, "):rep(5) .. "gzip" }, status = 200, body = BROKEN },
   { read = "protocol 1" })

about "Lists and records"
row("an unknown word as status", { fault = { record = { fields = { status = "Archived" } } }, read = "ok 1" })
row("unknown members", { fault = { extra_members = true }, read = "ok 1" })
row("null members", { fault = { nulls = true }, read = "ok 1" })
row("42.0 for 42", { fault = { floats = true }, read = "ok 1" })
local odd = { progress = "42.5", credits = "9223372036854775808", eta = '"2026-01-01T00:00:00Z"', crop_to_fill = "0",
   filename = "{}" }
row("members of other types", { fault = { record = { raw_fields = odd } }, read = "ok 1" })
row("another process_id than was asked for",
   { fault = { record = { fields = { process_id = "00000000-0000-4000-8000-00000000000b" } } }, get = "protocol 1" })
row("a process_id that is not a string",
   { fault = { record = { raw_fields = { process_id = "5" } } }, read = "protocol 1" })
local empty = { '{"data":null,"pagination":{"has_next_page":false}}', "null", "[]" }
for _, text in ipairs(empty) do row(text, { fault = { status = 200, body = text }, page = "ok 1", list = false }) end
row("a status that is not a string", { fault = { record = { raw_fields = { status = "5" } } }, read = "protocol 1" })
row("no process_id", { fault = { record = { remove = { "process_id" } } }, read = "protocol 1" })
row("an array where a page was asked for", { fault = { list_shape = "array" }, page = "ok 1" })
row("pagination before the data", { fault = { pagination_first = true }, page = "ok 1" })
row("has_next_page and no cursor", { fault = { has_next_without_cursor = true }, page = "protocol 1" })
row("has_next_page and an empty cursor", { fault = { has_next_without_cursor = "empty" }, page = "protocol 1" })
row("the same cursor again and again",
   { fault = { cursor_loop = true, times = ALWAYS }, page = "ok 1", list = "protocol 2" })

about "HTTP/2"
-- libcurl 7.88 keeps a status line to itself when the stream is reset before it was asked for it.
local EITHER = "count_unknown 1 | network/unknown 1"
row("REFUSED_STREAM", { h2 = "refused_stream", any = "ok 2", all = "network/unknown 1" })
row("REFUSED_STREAM each time",
   { h2 = "refused_stream", times = 99, read = "network 4", delete = "network/unknown 4", all = "network/unknown 1" })
row("INTERNAL_ERROR", { h2 = "internal_error", any = "ok 2", all = "network/unknown 1" })
row("CANCEL", { h2 = "cancel", any = "ok 2", all = "network/unknown 1" })
-- Nothing was processed (RFC 9113, 7): the next attempt is over HTTP/1.1,
-- where the server has no such fault.
row("HTTP_1_1_REQUIRED", { h2 = "http1_required", times = 99, any = "ok 2" })
row("GOAWAY with HTTP_1_1_REQUIRED", { h2 = "http1_required_all", any = "ok 2", all = "ok 2 | network/unknown 1" })
-- The connection stays silent, another one would not be.
row("silence on the connection",
   { h2 = "silent", any = "ok 2", all = "timeout/unknown 1", client = { attempt_timeout = 1 } })
row("ENHANCE_YOUR_CALM", { h2 = "calm", any = "ok 2", all = "network/unknown 1" })
row("GOAWAY before the stream", { h2 = "goaway_unprocessed", any = "ok 2", all = "network/unknown 1" })
row("GOAWAY for an error", { h2 = "goaway_error", any = "ok 2", all = "network/unknown 1" })
row("GOAWAY, then closed", { h2 = "goaway_processed", any = "ok 2", all = "network/unknown 1" })
row("GOAWAY, and the response", { h2 = "goaway_answered", any = "ok 1" })
row("closed", { h2 = "closed", any = "ok 2", all = "network/unknown 1" })
row("reset in the body", { h2 = "half_reset", read = "ok 2", delete = "ok 1 | ok 2", all = EITHER })
row("GOAWAY in the body", { h2 = "half_goaway", read = "ok 2", delete = "ok 1", all = "count_unknown 1" })
row("closed in the body", { h2 = "half_closed", read = "ok 2", delete = "ok 1", all = "count_unknown 1" })
row("a body shorter than its length", { h2 = "short", read = "ok 2", delete = "ok 1 | ok 2", all = EITHER })

-- Proxies. `proxy` has: `fault`, what the proxy does; `origin`, "tls" (the default),
-- "http1" (without HTTP/2), "tls12" (TLS 1.2 and HTTP/1.1, where the proxy sees the request pass)
-- or "plain"; `tls`, the certificate of an https proxy; `set`, options of the proxy;
-- `login`, user name and password in its URL; `kind`, the origin's certificate.
-- `fault` beside it is the origin's.
local function proxied(name, proxy, given)
   given.proxy = proxy
   row(name, given)
end

local function both_ways(name, stage, given)
   for _, ending in ipairs { "close", "reset" } do
      proxied((ending == "close" and "closed" or "reset") .. name,
         { fault = { [ending] = stage }, origin = given.origin },
         { read = given.read, delete = given.delete, all = given.all, any = given.any })
   end
end

-- What a proxy answers to CONNECT is never the API's answer, and nothing was sent.
about "A proxy that is asked for a tunnel"
proxied("it works", {}, { any = "ok 1 (1)" })
proxied("it works, over HTTP/1.1", {}, { any = "ok 1 (1)", client = { http2 = false } })
proxied("its answer comes byte by byte", { fault = { drip = { bytes = 1, interval = 0.001 } } }, { any = "ok 1 (1)" })
proxied("what comes through it is slow", { fault = { slow = { bytes = 500, interval = 0.001 } } }, { any = "ok 1 (1)" })
proxied("200 with a Content-Length", { fault = { status = 200, headers = { ["Content-Length"] = "5" } } },
   { any = "ok 1 (1)" })
row("the proxy cannot be reached", { server = "no_proxy", any = "network/unsent 0" })
row("the proxy's name does not resolve", { server = "no_proxy_name", any = "network/unsent 0" })
for _, code in ipairs { 302, 400, 401, 403, 404, 407, 409 } do
   proxied(code .. " to CONNECT",
      { fault = { status = code, headers = { Location = code == 302 and "http://127.0.0.1:1/" or nil } } },
      { any = "network/unsent 0 (1)" })
end
for _, code in ipairs { 429, 500, 502, 503, 504 } do
   proxied(code .. " to CONNECT", { fault = { status = code, body = MESSAGE } }, { any = "ok 1 (2)" })
   proxied(code .. " to CONNECT, each time", { fault = { status = code, times = ALWAYS } },
      { any = "network/unsent 0 (3)" })
end
proxied("429 to CONNECT, Retry-After: 1", { fault = { status = 429, headers = { ["Retry-After"] = "1" } } },
   { any = "ok 1 (2)" })
both_ways(" as soon as it stands", "accept", { any = "ok 1 (2)" })
both_ways(" instead of a response to CONNECT", "request", { any = "ok 1 (2)" })
both_ways(" behind its 200", "established", { any = "ok 1 (2)" })
both_ways(" in the TLS handshake, at the client's hello", "hello", { any = "ok 1 (2)" })
both_ways(" in the TLS handshake, in the server's half", "handshake", { any = "ok 1 (2)" })
both_ways(" when the server has the request", "sent",
   { origin = "tls12", read = "ok 2 (2)", delete = "gone 2 (2)", all = "network/unknown 1 (1)" })
both_ways(" in the first bytes of the response", "answer",
   { origin = "tls12", read = "ok 2 (2)", delete = "gone 2 (2)", all = "network/unknown 1 (1)" })
proxied("closed behind its 200, each time", { fault = { close = "established", times = ALWAYS } },
   { any = "network/unsent 0 (3)" })
for _, stage in ipairs { "accept", "request", "established", "hello" } do
   proxied("silent each time: " .. stage, { fault = { silent = stage, times = ALWAYS } },
      { any = "timeout/unsent 0 (3)", client = { connect_timeout = 0.5 } })
end
proxied("silent once", { fault = { silent = "request" } }, { any = "ok 1 (2)", client = { connect_timeout = 1 } })
proxied("no HTTP at all", { fault = { raw = "SSH-2.0-OpenSSH\r\n" } }, { any = "ok 1 (2) | network/unsent 0 (1)" })
proxied("200, and garbage where TLS should be", { fault = { tunnel_raw = "SSH-2.0-OpenSSH\r\n" } },
   { any = "tls/unsent 0 (1)" })
for _, kind in ipairs { "wrong_host", "expired", "self_signed" } do
   proxied("the server's certificate is bad: " .. kind, { kind = kind }, { any = "tls/unsent 0 (1)" })
end
proxied("the server closes without a response", { origin = "http1" },
   { fault = { drop = "before" }, any = "ok 2 (2)", all = "network/unknown 1 (1)" })
proxied("the server closes after it took effect", { origin = "http1" },
   { fault = { drop = "after" }, read = "ok 2 (2)", delete = "gone 2 (2)", all = "network/unknown 1 (1)" })
proxied("the server resets", { origin = "http1" },
   { fault = { reset = true }, any = "ok 2 (2)", all = "network/unknown 1 (1)" })
proxied("the server resets the stream", {},
   { fault = { drop = "after" }, read = "ok 2 (2)", delete = "gone 2 (2)", all = "network/unknown 1 (1)" })
proxied("the server says 503", {}, { fault = { status = 503 }, any = "ok 2 (1)", all = "server_error/unknown 1 (1)" })
proxied("the server says 404", {}, { fault = { status = 404 }, any = "not_found 1 (1)" })
proxied("the server says 407", {}, { fault = { status = 407 }, any = "unexpected_status 1 (1)" })
proxied("the server's body is cut", { origin = "http1" }, { fault = { truncate = { at = 10, length = true } },
   read = "ok 2 (2)", all = "count_unknown 1 (1)", delete = false })
local WANTED = { user = "me", password = "secret" }
proxied("credentials that are right", { set = WANTED, login = { "me", "secret" } }, { any = "ok 1 (1)" })
proxied("credentials that are wrong", { set = WANTED, login = { "me", "other" } }, { any = "network/unsent 0 (1)" })
proxied("credentials that are missing", { set = WANTED }, { any = "network/unsent 0 (1)" })

about "An https proxy"
proxied("it works", { tls = "good" }, { any = "ok 1 (1)" })
proxied("it works, with credentials", { tls = "good", set = WANTED, login = { "me", "secret" } }, { any = "ok 1 (1)" })
proxied("it works, for plain http", { tls = "good", origin = "plain" }, { any = "ok 1 (1)" })
for _, kind in ipairs { "wrong_host", "expired", "self_signed" } do
   proxied("its certificate is bad: " .. kind, { tls = kind }, { any = "tls/unsent 0 (0)" })
end
proxied("403 to CONNECT", { tls = "good", fault = { status = 403 } }, { any = "network/unsent 0 (1)" })
proxied("503 to CONNECT", { tls = "good", fault = { status = 503 } }, { any = "ok 1 (2)" })
proxied("closed in its TLS handshake", { tls = "good", fault = { close = "accept" } }, { any = "ok 1 (2)" })
proxied("closed behind its 200", { tls = "good", fault = { close = "established" } }, { any = "ok 1 (2)" })
-- libcurl 7.88 does not say why a handshake inside a tunnel that is TLS itself has failed
proxied("the server's certificate is bad", { tls = "good", kind = "expired" },
   { any = "tls/unsent 0 (1) | network/unsent 0 (3)" })

-- The proxy gets the request itself, and what it answers cannot be told from the API's answer.
about "A proxy for plain http"
proxied("it works", { origin = "plain" }, { any = "ok 1 (1)" })
proxied("credentials that are right", { origin = "plain", set = WANTED, login = { "me", "secret" } },
   { any = "ok 1 (1)" })
proxied("credentials that are missing", { origin = "plain", set = WANTED }, { any = "unexpected_status 0 (1)" })
proxied("403", { origin = "plain", fault = { status = 403 } }, { any = "forbidden 0 (1)" })
proxied("503", { origin = "plain", fault = { status = 503 } }, { any = "ok 1 (2)", all = "server_error/unknown 0 (1)" })
proxied("429", { origin = "plain", fault = { status = 429 } }, { any = "ok 1 (2)" })
both_ways(" as soon as it stands", "accept", { origin = "plain", read = "ok 1 (2)", delete = "ok 1 (2)",
   all = "ok 1 (2) | network/unknown 0 (1)" })
both_ways(" instead of a response", "request", { origin = "plain", any = "ok 1 (2)", all = "network/unknown 0 (1)" })
both_ways(" when the server has the request", "sent",
   { origin = "plain", read = "ok 2 (2)", delete = "gone 2 (2)", all = "network/unknown 1 (1)" })
both_ways(" behind the status line", "answer",
   { origin = "plain", read = "ok 2 (2)", delete = "ok 1 (1)", all = "count_unknown 1 (1)" })
proxied("silent each time", { origin = "plain", fault = { silent = "request", times = ALWAYS } },
   { read = "timeout 0 (3)", delete = "timeout/unknown 0 (3)", all = "timeout/unknown 0 (1)",
      client = { attempt_timeout = 0.5 } })
proxied("no HTTP at all", { origin = "plain", fault = { raw = "SSH-2.0-OpenSSH\r\n" } },
   { read = "protocol 0 (1)", write = "protocol/unknown 0 (1)" })

return sections
