-- spec/examples/webhooks.lua in Copas, and behind nginx with the configuration of the guide.
local blocks = require "spec.docs.blocks"
local certificates = require "topaz.emulator.certificates"
local interpreter = require "spec.support.interpreter"
local socket = require "socket"
local world = require "spec.support.world"

local SECRET = "0123456789abcdef0123456789abcdef"
-- Debian has Copas for Lua 5.1 and 5.2 alone; its files run on 5.4, too.
local PATH = package.path .. ";/usr/share/lua/5.1/?.lua"

local function missing()
   if not package.searchpath("copas", PATH) then return "Copas is not installed" end
   for _, tool in ipairs { "nginx", "curl" } do
      if not os.execute(("PATH=\"$PATH:/usr/sbin\" command -v %s >/dev/null 2>&1"):format(tool)) then
         return tool .. " is not installed"
      end
   end
end

local function free_port()
   local listener <close> = setmetatable({ it = assert(socket.bind("127.0.0.1", 0)) }, {
      __close = function(self) self.it:close() end,
   })
   return tonumber((select(2, listener.it:getsockname())))
end

local function write(path, text)
   local file <close> = assert(io.open(path, "w"))
   file:write(text)
end

-- Whether a condition comes to hold within a minute.
local function comes(condition)
   for _ = 1, 600 do
      if condition() then return true end
      socket.sleep(0.1)
   end
end

local function is_open(port)
   local connection = socket.connect("127.0.0.1", port)
   if connection then connection:close() end
   return connection ~= nil
end

describe("the program for webhooks", function()
   local reason = missing()
   if reason then
      it("offers what is posted", function() pending(reason) end)
      return
   end

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local folder, port, front, ids, pids

   -- Starts a command, which writes into the file of that name, and waits until it listens.
   local function start(name, command, its_port)
      local pipe <close> = io.popen(("%s >%s/%s 2>%s/%s.err & echo $!"):format(command, folder, name, folder, name))
      pids[#pids + 1] = pipe:read "n"
      assert.is_true(comes(function() return is_open(its_port) end), blocks.read(("%s/%s.err"):format(folder, name)))
   end

   before_each(function()
      folder = os.tmpname()
      os.remove(folder)
      assert(os.execute("mkdir " .. folder))
      port, front, pids = free_port(), free_port(), {}
      ids = emulator():add_jobs { timeline = { processing = 1000 }, count = 2 }
      start("program", ([[
         LUA_PATH='%s' LUA_CPATH='%s' TOPAZ_API_KEY='%s' TOPAZ_BASE_URL='%s' WEBHOOK_SECRET=%s WEBHOOK_PORT=%d \
         exec %s spec/examples/webhooks.lua %s]]):format(PATH, package.cpath, emulator().key, emulator().url, SECRET,
         port, interpreter, table.concat(ids, " ")), port)
   end)
   after_each(function()
      for _, pid in ipairs(pids) do os.execute(("kill %d 2>/dev/null"):format(pid)) end
      os.execute("rm -rf " .. folder)
   end)

   -- The code of the response to a request that curl makes.
   local function code(arguments)
      local pipe <close> = io.popen(("curl -s -m 60 -o /dev/null -w '%%{http_code}' %s"):format(arguments))
      return pipe:read "a"
   end

   local function post(url, body, more)
      write(folder .. "/body", body)
      return code(("%s --data-binary @%s/body '%s'"):format(more or "", folder, url))
   end

   local function output() return blocks.read(folder .. "/program") end

   it("offers what is posted to its secret path, and ends with the jobs", function()
      local hook = ("http://127.0.0.1:%d/hooks/%s"):format(port, SECRET)
      assert.equal("200", post(hook, ('{"process_id":"%s","status":"Completed"}'):format(ids[1])))
      for _, body in ipairs { "", "{", ("["):rep(60000), '{"process_id":"00000000-0000-4000-8000-00000000000f"}' } do
         assert.equal("200", post(hook, body))
      end
      assert.equal("404", post(hook .. "0", "{}"))
      assert.equal("404", code(hook))
      assert.equal("400", post(hook, ("x"):rep(200000), "-H Expect:"))
      assert.equal("", output()) -- the server says that the job is still processing
      emulator():advance(2000)
      assert.equal("200", post(hook, ('{"process_id":"%s"}'):format(ids[2])))
      assert.is_true(comes(function() return select(2, output():gsub("Completed", "")) == 2 end), output())
      assert.is_true(comes(function() return not is_open(port) end))
      assert.equal("", blocks.read(folder .. "/program.err"))
   end)

   it("is reached through nginx, by TLS alone, by the one path and method", function()
      local text, changes = blocks.of("spec/guide/webhooks.md", "nginx")[1].text, 0
      for from, to in pairs {
         ["listen 443"] = "listen 127.0.0.1:" .. front, ["hooks.example.com;"] = "localhost;",
         ["127.0.0.1:8099"] = "127.0.0.1:" .. port, ["/hooks/SECRET"] = "/hooks/" .. SECRET,
         ["/etc/letsencrypt/live/hooks.example.com/fullchain.pem"] = folder .. "/server.pem",
         ["/etc/letsencrypt/live/hooks.example.com/privkey.pem"] = folder .. "/key.pem",
      } do
         local count
         text, count = text:gsub(from:gsub("%p", "%%%0"), (to:gsub("%%", "%%%%")))
         changes = changes + count
      end
      assert.equal(6, changes)
      local pem = certificates.get "good"
      write(folder .. "/server.pem", pem.server)
      write(folder .. "/key.pem", pem.key)
      write(folder .. "/ca.pem", pem.ca)
      write(folder .. "/nginx.conf", ([[
         daemon off; master_process off; pid %s/pid; error_log %s/nginx.err;
         events {}
         http {
           client_body_temp_path %s/t1; proxy_temp_path %s/t2; fastcgi_temp_path %s/t3; uwsgi_temp_path %s/t4;
           scgi_temp_path %s/t5;
           %s
         }]]):format(folder, folder, folder, folder, folder, folder, folder, text))
      start("nginx", ("PATH=\"$PATH:/usr/sbin\" exec nginx -e %s/nginx.err -p %s -c %s/nginx.conf"):format(
         folder, folder, folder), front)
      local hook, trust = ("https://localhost:%d/hooks/%s"):format(front, SECRET), ("--cacert %s/ca.pem"):format(folder)
      assert.equal("200", post(hook, ('{"process_id":"%s"}'):format(ids[1]), trust))
      assert.equal("404", post(hook .. "0", "{}", trust))
      assert.equal("404", post(hook:gsub("/hooks/.*", "/"), "{}", trust))
      assert.equal("403", code(trust .. " " .. hook))
      assert.equal("413", post(hook, ("x"):rep(70000), trust))
      emulator():advance(2000)
      assert.equal("200", post(hook, ('{"process_id":"%s"}'):format(ids[1]), trust))
      assert.is_true(comes(function() return output():find(ids[1], 1, true) end), output())
   end)
end)
