-- Starts and stops one nginx: private folder, free ports, the configuration from its template, and the wait until it
-- answers. Knows nothing of the API.

local family = (...):match("^.*%.")
local cjson = require "cjson"
local socket = require "socket"
local process = require(family .. "process")

local launch = {}

local here = debug.getinfo(1, "S").source:match("^@(.*)launch%.lua$") or "./"
local START_LIMIT = 5 -- seconds; a start takes some 30 ms
local STOP_LIMIT = 2
local PORT_TRIES = 8

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs a shell command in a clean environment: a test may itself run with a preloaded sanitizer, with LUA_CPATH set
-- for another Lua, or behind a proxy, and nothing of it may reach nginx. `exec` at each step keeps a sanitizer's
-- check at exit out of the way as well.
local function shell(command)
  local path = '"$PATH:/usr/local/sbin:/usr/sbin:/sbin"'
  local pipe = assert(io.popen("exec env -i PATH=" .. path .. " LC_ALL=C TMPDIR=\"${TMPDIR:-/tmp}\" sh -c "
    .. quote(command), "r"))
  local text = pipe:read("a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end
launch.shell, launch.quote = shell, quote

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

local function read_file(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

-- The absolute folder that holds spec/ or topaz/: nginx is started elsewhere and has to find the Lua files.
local function project_root()
  local folder = here .. "../.."
  if folder:sub(1, 1) == "/" then return folder end
  return shell("pwd") .. "/" .. folder
end

-- Debian builds the Lua module apart; OpenResty and others have it inside.
local function module_lines()
  for _, folder in ipairs { "/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules" } do
    local file = io.open(folder .. "/ngx_http_lua_module.so")
    if file then
      file:close()
      return ("load_module %s/ndk_http_module.so;\nload_module %s/ngx_http_lua_module.so;"):format(folder, folder)
    end
  end
  return ""
end

-- Ports the kernel says are free. All are held until all are known, so that none is given twice.
local function free_ports(count)
  local held, ports = {}, {}
  for i = 1, count do
    held[i] = assert(socket.bind("127.0.0.1", 0))
    ports[i] = math.tointeger(select(2, held[i]:getsockname()))
  end
  for i = 1, count do held[i]:close() end
  return ports
end

local function fill(template, values)
  return (template:gsub("@([A-Z_0-9]+)@", function(name)
    return assert(values[name], "nginx.conf.template names an unknown value: " .. name)
  end))
end

-- Configuration of one start, from the server options of init.lua.
local function configuration(options, dir, ports, root)
  local http, limit, tls = {}, "", ""
  if options.rate_limit then
    http[#http + 1] = "  limit_req_zone $http_x_api_key zone=api:1m rate=" .. options.rate_limit.rate .. ";"
    local burst = options.rate_limit.burst or 0 -- nginx takes no burst=0
    limit = ("      limit_req zone=api%s;\n      limit_req_status 429;\n      error_page 429 @limited;")
      :format(burst > 0 and (" burst=%d nodelay"):format(burst) or "")
  end
  if options.gzip then
    http[#http + 1] = "  gzip on;\n  gzip_types application/json;\n  gzip_min_length 100;\n  gzip_proxied any;"
  end
  if options.certificate then
    write_file(dir .. "/server.pem", options.certificate.server)
    write_file(dir .. "/server.key", options.certificate.key)
    write_file(dir .. "/ca.pem", options.certificate.ca)
    tls = ("    listen 127.0.0.1:%d ssl http2 backlog=1024;\n    ssl_certificate %s/server.pem;\n"
      .. "    ssl_certificate_key %s/server.key;"):format(ports[3], dir, dir)
  end
  return fill(read_file(here .. "nginx.conf.template"), {
    MODULES = module_lines(), MODULE = family:sub(1, -2), DIR = dir, ROOT = root, PORT = ports[1], CONTROL = ports[2],
    HTTP = table.concat(http, "\n"), LIMIT = limit, TLS = tls,
    KEEPALIVE_TIMEOUT = options.keepalive_timeout, KEEPALIVE_REQUESTS = options.keepalive_requests,
    STREAMS = options.streams,
  })
end

local function ended(server, limit)
  local deadline = socket.gettime() + limit
  while process.alive(server.pid, server.stamp) do
    if socket.gettime() > deadline then return false end
    socket.sleep(0.002)
  end
  return true
end

-- Ends the process and waits for it, then removes the folder. Never raises: it also runs in finalizers.
function launch.stop(server)
  if process.alive(server.pid, server.stamp) then
    shell("kill -TERM " .. server.pid)
    if not ended(server, STOP_LIMIT) then
      shell("kill -KILL " .. server.pid)
      ended(server, STOP_LIMIT)
    end
  end
  shell("rm -rf -- " .. quote(server.dir))
end

-- One try on the given ports: the running server, or nil, what its error log says, and whether a port was taken.
local function try(options, dir, ports, root, answers)
  write_file(dir .. "/nginx.conf", configuration(options, dir, ports, root))
  options.settings.dir = dir
  write_file(dir .. "/settings.json", cjson.encode(options.settings))
  os.remove(dir .. "/error.log")
  local command = ("cd / && ulimit -n 16384 2>/dev/null; setsid %s -p %s -c %s/nginx.conf -e %s/error.log "
    .. "</dev/null >/dev/null 2>%s/stderr & echo $!"):format(
    options.nginx, quote(dir), quote(dir), quote(dir), quote(dir))
  local pid = math.tointeger(tonumber(shell(command)))
  local server = { pid = pid, stamp = pid and process.stamp(pid), dir = dir, ports = ports }
  local deadline = socket.gettime() + START_LIMIT
  repeat
    if answers(server) then return server end
    local log = read_file(dir .. "/error.log")
    local taken = log:find("Address already in use", 1, true) ~= nil
    if taken or not process.alive(server.pid, server.stamp) or socket.gettime() > deadline then
      if process.alive(server.pid, server.stamp) then
        shell("kill -KILL " .. server.pid)
        ended(server, STOP_LIMIT)
      end
      return nil, log .. read_file(dir .. "/stderr"), taken
    end
    socket.sleep(0.002)
  until false
end

-- Starts nginx and waits until `answers(server)` is true. Raises with nginx's own words when it cannot.
function launch.start(options, answers)
  local dir = shell("mktemp -d -t topaz-emulator-XXXXXX")
  assert(dir ~= "", "emulator: mktemp made no folder")
  local root = project_root()
  local why, taken
  for _ = 1, PORT_TRIES do
    local ports = free_ports(3)
    if options.port then ports[1] = options.port end
    local server
    server, why, taken = try(options, dir, ports, root, answers)
    if server then return server end
    if not taken or options.port then break end
  end
  shell("rm -rf -- " .. quote(dir))
  error("emulator: nginx did not start: " .. (why ~= "" and why or "nothing in its error log; is it installed?"), 3)
end

return launch
