-- Options as a caller may get them wrong. The input: a letter, which function takes them
-- (see `takers`), then options separated by byte 0x1E: a name, byte 0x1F, a letter for the type of
-- the value (see `makers`), and its text. Either they are taken, or the error names what is wrong;
-- what is taken is safe to send. Behind the letter there may be the plan of a finalizer
-- (finalizer.lua): then methods are called and the options are changed while they are read.
local finalizer = dofile "spec/fuzz/finalizer.lua"
local KEY = "SENTINEL-KEY-1"

local given_key -- the input itself holds the key, perhaps as the name of an option

local function check(ok, why) if not ok then error(why, 2) end end

local function words(text)
   local list = {}
   for word in text:gmatch "[^,]+" do list[#list + 1] = word end
   return list
end

local makers = {
   s = function(text) return text end,
   n = function(text) return tonumber(text) or 0 end,
   t = function() return true end,
   f = function() return false end,
   L = words,
   S = function(text)
      local set = {}
      for _, word in ipairs(words(text)) do set[word] = true end
      return set
   end,
   -- a `where`: name=text, name=a|b, name!=text, name:bound=number; numbers are read as such
   W = function(text)
      local where = {}
      for name, bound, no, value in text:gmatch "([^=,:!]+):?([^=,!]*)(!?)=([^,]*)" do
         local one = tonumber(value) or value
         if value:find "|" then one = words(value:gsub("|", ",")) end
         for i, word in ipairs(type(one) == "table" and one or {}) do one[i] = tonumber(word) or word end
         where[name] = no == "!" and { except = one } or bound ~= "" and { [bound] = one } or one
      end
      return where
   end,
   F = function() return print end,
   H = function(text) -- headers: name=value, separated by byte 0x1D
      local headers = {}
      for name, value in text:gmatch "([^=\29]*)=([^\29]*)" do headers[name] = value end
      return headers
   end,
}

local function read(text)
   local options = {}
   for name, kind, value in text:gmatch "([^\31\30]*)\31(.)([^\30]*)" do
      options[makers[kind] and name or tonumber(name) or name] = (makers[kind] or makers.s)(value)
   end
   return options
end

local client, plan

local function new()
   return core.client { api_key = KEY, base_url = "http://127.0.0.1:1", retry_base = 0, max_retries = 0 }
end

local function try(f, ...)
   play("", 0)
   local done
   if plan then
      local live = { client = client, other = new(), cursor = client:statuses(), request = client:start "get_page" }
      for i = 1, select("#", ...) do
         if type(select(i, ...)) == "table" then live.options = live.options or select(i, ...) end
      end
      done = finalizer.arm(plan, live)
   end
   local ok, got = pcall(f, ...)
   if done then
      done()
      client:close() -- nothing of it goes on in the next input
   end
   if plan then -- what it changed need not be what was taken
      check(ok or type(got) == "table" and got.kind or tostring(got):find "^bad argument"
         or tostring(got):find "invalid key to 'next'"
         or tostring(got):find "unknown type of an option", "an error that names nothing: " .. tostring(got))
      check(ok or given_key or not tostring(got):find(KEY, 1, true), "the key is in an error")
      return nil
   end
   if not ok then
      check(type(got) == "string", "no text: " .. tostring(got))
      check(got:find "^bad argument '", "an error that names nothing: " .. got)
      check(given_key or not got:find(KEY, 1, true), "the key is in an error")
      return nil
   end
   return got
end

client = new()

local function safe_urls(base)
   if plan then base = "http://127.0.0.1:1/status" end -- its deeds ask for other things
   for _, attempt in ipairs(log()) do
      check(attempt.url:sub(1, #base) == base, "another server: " .. attempt.url)
      check(not attempt.url:sub(#base + 1):find "[^%w%-._~/?&=%%]", "a URL that is not encoded: " .. attempt.url)
   end
end

local takers = {
   c = function(options)
      options.api_key = options.api_key or KEY
      options.base_url = options.base_url or "http://127.0.0.1:1"
      local made = try(core.client, options)
      if not made then return end
      check(not options.api_key:find "[^ -~]" and options.api_key ~= "", "a key that no header may hold")
      check(not (options.user_agent or ""):find "[^ -~]", "a user agent that no header may hold")
      check(options.base_url:lower():find "^https?:/", "another protocol")
      check(not options.base_url:find "[?#\r\n]", "a URL that swallows the path")
      made:close()
   end,
   l = function(options)
      local cursor = try(client.statuses, client, options)
      if not cursor then return end
      pcall(cursor)
      safe_urls "http://127.0.0.1:1/status"
      cursor:close()
   end,
   p = function(options)
      try(client.get_page, client, options)
      safe_urls "http://127.0.0.1:1/status"
   end,
   g = function(options)
      try(client.get_status, client, options.id,
         next(options) ~= nil and { timeout = options.timeout } or options.timeout)
      safe_urls "http://127.0.0.1:1/status/"
      if plan then return end
      for _, attempt in ipairs(log()) do
         check(#attempt.url == #"http://127.0.0.1:1/status/" + 36, "an id that is none")
      end
   end,
   r = function(options)
      local rows = {
         { "name", "string" }, { "count", "integer", 3, 1, 10 }, { "rate", "number" }, { "flag", "boolean", true },
         { "list", "table" }, { "f", "function" }, { "headers", "headers" },
      }
      local got = try(core.options, options, rows)
      if not got then return end
      check(math.type(got.count) == "integer" and got.count >= 1 and got.count <= 10, "a count out of its range")
      check(type(got.flag) == "boolean", "no boolean")
      for name, value in pairs(options) do
         check(got[name] ~= nil or name == "headers" and not next(value), "an option got lost")
      end
      for name, value in pairs(got.headers or {}) do
         check(value == options.headers[name], "another header")
         check(not name:find "[^%w!#$%%&'*+%-.^_`|~]" and name ~= "", "no name of a header")
         check(not value:find "[%z\1-\31\127]", "a value that ends a line")
         check(not (" host x-api-key connection transfer-encoding content-length "):find(" " .. name:lower() .. " ", 1,
            true), "a header that is not the caller's")
      end
   end,
}

return function(bytes)
   given_key = bytes:find(KEY, 1, true)
   local taker, rest = takers[bytes:sub(1, 1)] or takers.c, bytes:sub(2)
   plan, rest = finalizer.take(rest)
   if not core.is_open(client) then client = new() end
   taker(read(rest))
end
