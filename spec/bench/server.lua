-- The one server that all read from: a plain nginx on a free loopback port,
-- with static files in a folder of its own.
--
--   /SET/image/v1/status           the pages of data set SET by ?paginated=true&cursor=pN,
--                                  else its plain array
--   /latency/SET/image/v1/status   the same, each answer 50 ms late (needs nginx's Lua module)
--   /slow/SET/image/v1/status      the same, but after the first 64 kB a trickle
-- It speaks plain HTTP/1.1, and on a port of its own HTTP/2 over TLS.
local socket = require "socket"
local certificates = require "topaz.emulator.certificates"
local launch = require "topaz.emulator.launch"
local process = require "topaz.emulator.process"

local server = {}

local CONFIGURATION = [[
@MODULES@
daemon off;
master_process off;
worker_processes 1;
pid "@DIR@/nginx.pid";
error_log "@DIR@/error.log" error;
events { worker_connections 256; }
http {
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  types { application/json json; }
  client_body_temp_path "@DIR@/body";
  proxy_temp_path "@DIR@/proxy";
  fastcgi_temp_path "@DIR@/fastcgi";
  uwsgi_temp_path "@DIR@/uwsgi";
  scgi_temp_path "@DIR@/scgi";
  map "$arg_paginated:$arg_cursor" $list {
    "true:" p1.json;
    "~^true:(?<page>p[0-9]+)$" $page.json;
    default all.json;
  }
  server {
    listen 127.0.0.1:@PORT@;
    listen 127.0.0.1:@TLS_PORT@ ssl http2;
    ssl_certificate "@DIR@/server.pem";
    ssl_certificate_key "@DIR@/server.key";
    if ($http_x_api_key = "") { return 401; }
    location ~ ^/(?<set>[a-z0-9_]+)/image/v1/status$ {
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
    location ~ ^/slow/(?<set>[a-z0-9_]+)/image/v1/status$ {
      limit_rate_after 64k;
      limit_rate 1k;
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
@LATENCY@
  }
}
]]

local LATENCY = [[
    location ~ ^/latency/(?<set>[a-z0-9_]+)/image/v1/status$ {
      access_by_lua_block { ngx.sleep(0.05) }
      root "@DIR@/sets/$set";
      try_files /$list =404;
    }
]]

local START_LIMIT = 5 -- seconds

local function read(path)
   local file = io.open(path)
   if not file then return "" end
   local text = file:read "a"
   file:close()
   return text
end

-- Two free ports.
local function free_ports()
   local one, other = assert(socket.bind("127.0.0.1", 0)), assert(socket.bind("127.0.0.1", 0))
   local port, other_port = select(2, one:getsockname()), select(2, other:getsockname())
   one:close()
   other:close()
   return math.tointeger(port), math.tointeger(other_port)
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   assert(file:write(text))
   assert(file:close())
end

-- The lines that load nginx's Lua module, as Debian ships it; nil where there is none.
local function lua_module()
   local folder = "/usr/lib/nginx/modules"
   local file = io.open(folder .. "/ngx_http_lua_module.so")
   if not file then return nil end
   file:close()
   return ("load_module %s/ndk_http_module.so;\nload_module %s/ngx_http_lua_module.so;"):format(folder, folder)
end

local methods = {}
local Server = { __index = methods, __name = "bench server" }

--- The folder of a data set, made when it is not there.
function methods:folder(set)
   local folder = self.dir .. "/sets/" .. set
   process.shell("mkdir -p " .. process.quote(folder))
   return folder
end

--- The base URL of a data set; `prefix` is "latency" or "slow", or nothing.
function methods:url(set, prefix)
   return ("http://127.0.0.1:%d/%s%s/image/v1"):format(self.port, prefix and prefix .. "/" or "", set)
end

--- The base URL of a data set over TLS, whose authority is in the file `ca_file`.
function methods:tls_url(set) return ("https://127.0.0.1:%d/%s/image/v1"):format(self.tls_port, set) end

function methods:stop() launch.stop(self) end
Server.__close = methods.stop
Server.__gc = methods.stop

-- Should the benchmark be killed, so that it stops nothing:
-- ends nginx and removes the folder soon afterwards.
local function watch(self)
   process.shell(("setsid sh -c 'while kill -0 %d; do sleep 1; done; [ -d %s ] && kill %d; rm -rf %s' "
      .. "</dev/null >/dev/null 2>&1 &"):format(process.self(), self.dir, self.pid, self.dir))
end

local function answers(port)
   local connection = socket.connect("127.0.0.1", port)
   if not connection then return false end
   connection:close()
   return true
end

--- Starts nginx. Raises with nginx's own words when it cannot.
function server.start()
   local dir = process.shell "mktemp -d -t topaz-bench-XXXXXX"
   assert(dir ~= "", "mktemp made no folder")
   local modules, port, tls_port = lua_module(), free_ports()
   local values = { DIR = dir, PORT = tostring(port), TLS_PORT = tostring(tls_port), MODULES = modules or "" }
   write(dir .. "/nginx.conf", (CONFIGURATION:gsub("@LATENCY@", modules and LATENCY or ""):gsub("@([%u_]+)@", values)))
   local pem = certificates.get "good"
   write(dir .. "/server.pem", pem.server)
   write(dir .. "/server.key", pem.key)
   write(dir .. "/ca.pem", pem.ca)

   local quoted = process.quote(dir)
   local program = process.start(("nginx -p %s -c %s/nginx.conf -e %s/error.log"):format(quoted, quoted, quoted), "/",
      dir .. "/stderr")
   local self = setmetatable({
      dir = dir, port = port, tls_port = tls_port, ca_file = dir .. "/ca.pem", pid = program.pid, stamp = program.stamp,
      has_latency = modules ~= nil,
   }, Server)
   watch(self)
   local deadline = socket.gettime() + START_LIMIT
   while not answers(port) do
      if not process.alive(self.pid, self.stamp) or socket.gettime() > deadline then
         local why = read(dir .. "/error.log") .. read(dir .. "/stderr")
         self:stop()
         error("nginx did not start: " .. (why ~= "" and why or "nothing in its error log; is it installed?"))
      end
      socket.sleep(0.005)
   end
   return self
end

return server
