---@meta topaz.emulator.proxy
-- The public interface of topaz.emulator.proxy; see types/topaz.lua.
-- luacheck: ignore 211 212 241

---A forward proxy on loopback that can be scripted: CONNECT, and plain http by a request with an
---absolute URL. With the option `to` it is a balancer that speaks no HTTP and passes each
---connection on. A process of its own, which needs python3, beside an emulator or alone.
---`require "topaz.emulator.proxy"`.
---@class topaz.emulator.proxy
local proxy = {}

---Starts a proxy. It ends as an emulator does. A client uses an explicit proxy for every base URL,
---also one on this machine.
---
---Raises: an unknown option; python3's error text when the proxy does not start.
---```lua
---local emulator <close> = require("topaz.emulator").start { jobs = 3 }
---local proxy <close> = require("topaz.emulator.proxy").start()
---local client <close> = topaz.client {
---   api_key = emulator.key, base_url = emulator.url, proxy = proxy.url,
---}
---proxy:fault { status = 503, headers = { ["Retry-After"] = "1" } }
---print(client:get_page(), proxy:log()[1].target)
---```
---@param options? topaz.ProxyOptions
---@return topaz.Proxy proxy
function proxy.start(options) end

---Options of `proxy.start`. A name that is not in `map` has to be one of this machine: the rest is
---answered with 502.
---@class topaz.ProxyOptions
---@field map? table<string, string> `{ ["api.example.test:443"] = "127.0.0.1:8443" }`: where a name leads; "*": any other (default: none)
---@field user? string|false with a password: the client must send them (Basic), else it is answered with 407 (default: none)
---@field password? string|false (default: none)
---@field tls? topaz.EmulatorCertificate (default false): an https proxy
---@field to? string "127.0.0.1:8443": a balancer, all connections go there (default: none). Its faults are `slow` and those with a stage
---@field delay? number seconds (default 0) before each response
---@field idle_limit? number seconds (default 900) without any use after which it ends by itself; 0: never
---@field log_limit? integer entries that the log holds (default 20000); `counts().total` counts on

---A running proxy.
---@class topaz.Proxy
---@field url string "http://127.0.0.1:PORT", or "https://localhost:PORT" with `tls`
---@field port integer
---@field ca_file? string with `tls`: the certificates to trust
---@field pid integer
local Proxy = {}

---Stops the proxy. May be called again.
---```lua
---local proxy = require("topaz.emulator.proxy").start()
---proxy:stop()
---```
function Proxy:stop() end

---Returns whether the proxy still runs: it was not stopped and has not ended by itself.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---assert(proxy:running())
---```
---@return boolean running
function Proxy:running() end

---Returns the proxy's URL with a user name and a password in it.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start { user = "me", password = "secret" }
---local client = topaz.client { api_key = "key", proxy = proxy:url_with("me", "secret") }
---```
---@param user string
---@param password string
---@return string url
function Proxy:url_with(user, password) end

---Resets the proxy: no faults, an empty log, the options as at the start. Connections stay open.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:reset()
---```
function Proxy:reset() end

---Changes options of a running proxy; all but `tls`.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:set { user = "me", password = "secret" }
---proxy:set { user = false }
---```
---@param settings topaz.ProxyOptions
function Proxy:set(settings) end

---Ends all open connections, by a reset.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:drop()
---```
function Proxy:drop() end

---Returns the log of requests, the oldest first.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---for _, request in ipairs(proxy:log()) do
---   print(request.method, request.target, request.status)
---end
---```
---@return topaz.ProxyRequest[] log
function Proxy:log() end

---Returns the counts of requests.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---assert(proxy:counts().connections == 0)
---```
---@return topaz.ProxyCounts counts
function Proxy:counts() end

---Empties the log, and sets the counts to 0.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:clear_log()
---```
function Proxy:clear_log() end

---Adds a fault to the queue, as an emulator's.
---
---Raises: an unknown member or stage.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:fault { match = { method = "CONNECT" }, close = "established", times = 2 }
---```
---@param fault topaz.ProxyFault
---@return integer id
function Proxy:fault(fault) end

---Returns the faults that wait for further requests.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---assert(#proxy:faults() == 0)
---```
---@return topaz.ProxyFault[] faults
function Proxy:faults() end

---Removes one fault from the queue, or all.
---```lua
---local proxy <close> = require("topaz.emulator.proxy").start()
---proxy:clear_faults(proxy:fault { status = 502 })
---```
---@param id? integer (default: all)
function Proxy:clear_faults(id) end

---A request in the log. Over plain http a connection has an entry for each request; a balancer's
---entries have no method, nor has one that a fault was applied to at the stage "accept".
---@class topaz.ProxyRequest
---@field count integer its place in the log
---@field connection integer the number of its connection
---@field method? string
---@field target? string "host:port", or the URL over plain http
---@field version? string of HTTP
---@field headers? table<string, any> names in lower case
---@field status? integer the proxy's response; over plain http the server's
---@field fault? integer the id of the fault that was applied to it
---@field up integer bytes from the client to the server, TLS and all
---@field down integer bytes from the server to the client
---@field time number Unix seconds
---@field ended? "client"|"origin"|"proxy" the side that ended the connection ("origin": the server); nil while it is open

---Counts of a proxy.
---@class topaz.ProxyCounts
---@field connections integer
---@field open integer of these: still open
---@field total integer entries
---@field by table<string, integer> by method
---@field statuses table<string, integer> by the status of the response, such as "200"

---Which requests a fault applies to.
---@class topaz.ProxyMatch
---@field method? string
---@field target? string plain text in the target

---Where a connection is broken. "accept": at once, before anything is read or a handshake, whatever
---`match` says. "request", or true: the request is read, nothing is answered. "established":
---CONNECT was answered with 200. "hello": the client's first bytes of the TLS handshake were read,
---the server gets none. "handshake": `bytes` of the server's half of the handshake were passed on.
---"sent": the server has the request and begins to answer, nothing of that is passed on. "answer":
---`bytes` of the response were passed on. The last two see through a tunnel only with TLS 1.2 and
---HTTP/1.1; inside any other one the emulator's own faults break a response.
---@alias topaz.ProxyStage true|"accept"|"request"|"established"|"hello"|"handshake"|"sent"|"answer"

---A fault: which requests it applies to, and what then happens.
---@class topaz.ProxyFault
---@field match? topaz.ProxyMatch (default: every request)
---@field times? number how many requests it applies to (default 1); math.huge: all
---@field after? integer matching requests that pass first (default 0)
---@field delay? number seconds before the response
---@field status? integer answered, then closed, instead of connecting; with 2xx the tunnel is open
---@field headers? table<string, string|string[]> of that response; a list is sent as several headers
---@field body? string of that response
---@field reason? string of that response's status line
---@field drip? topaz.ProxyPieces that response, or the 200, in small pieces (defaults 1 and 0.01)
---@field raw? string these bytes in place of a response, then closed
---@field tunnel_raw? string a 200, and once the client has spoken these bytes in place of the server's, then closed
---@field slow? topaz.ProxyPieces the server's bytes in small pieces (defaults 16 and 0.01)
---@field again? topaz.ProxyAgain the server's response once more, on a connection that stays open: over plain http, or by a balancer
---@field close? topaz.ProxyStage where the connection is closed
---@field reset? topaz.ProxyStage where it is reset (RST)
---@field silent? topaz.ProxyStage where it falls silent, for as long as the client stays
---@field bytes? integer for the stages that have some (default 60)

---Pieces of what is sent.
---@class topaz.ProxyPieces
---@field bytes? integer of each piece
---@field interval? number seconds between two

---A response that comes once more.
---@class topaz.ProxyAgain
---@field delay? number seconds (default 0.02) after the server has said no more
---@field text? string in place of the response

return proxy
