--- What the proxy does to each connection of a round:
-- rules by the connection's number and its bytes, all from the seed.
local random = require "spec.chaos.random"

local script = {}

local CONNECTIONS = 150 -- of each listener; later ones are left alone

-- Milliseconds: most are passed over, some are longer than an attempt may take.
local function pause(r)
   return r:weighted { { 6, r:integer(1, 40) }, { 3, r:integer(40, 200) }, { 2, r:integer(450, 900) } }
end

local WAYS = {
   { 8, "close" }, { 8, "reset" }, { 8, "stall" }, { 5, "drip" }, { 4, "hole" }, { 4, "garbage" },
}
local ANSWERS_AGAIN = { { 6, "double" }, { 1, "crlf" }, { 2, "goodbye" } }
local ACCEPTS = { { 4, "slow" }, { 4, "reset" }, { 2, "hole" }, { 1, "restart" }, { 2, "refuse" }, { 1, "deaf" } }

local ARGUMENT = {
   close = function() return 0 end, reset = function() return 0 end, hole = function() return 0 end,
   stall = pause, slow = pause,
   drip = function(r) return r:integer(1, 6) end,
   garbage = function(r) return r:integer(1, 40) end,
   double = function(r) return r:chance(0.4) and 0 or r:integer(1, 12) end,
   crlf = function(r) return r:integer(0, 6) end,
   goodbye = function(r) return r:integer(1, 10) end,
   restart = function(r) return r:integer(5, 120) end,
   refuse = function(r) return r:integer(5, 120) end,
   deaf = function(r) return r:integer(20, 400) end,
}

-- Where in the stream: mostly in the first request or answer or in the TLS handshake,
-- sometimes far behind.
local function place(r, way)
   if way == "c" then return r:chance(0.6) and r:integer(0, 700) or r:spread(20000) end
   return r:chance(0.6) and r:integer(0, 4000) or r:spread(2000000)
end

local function add(rules, listener, connection, way, at, name, arg)
   rules[#rules + 1] = { listener = listener, connection = connection, way = way, at = at, name = name, arg = arg }
end

local function connection_rules(r, rules, listener, number, plain)
   if r:chance(0.2) then
      local name = r:weighted(ACCEPTS)
      add(rules, listener, number, "a", 0, name, ARGUMENT[name](r))
      if name ~= "slow" and name ~= "deaf" then return end
   end
   local found = {}
   for _ = 1, r:weighted { { 5, 2 }, { 3, 4 }, { 1, 8 } } do
      local way = r:chance(0.3) and "c" or "s"
      local name = r:weighted(WAYS)
      if plain and way == "s" and r:chance(0.3) then name = r:weighted(ANSWERS_AGAIN) end
      found[#found + 1] = { way = way, at = place(r, way), name = name, arg = ARGUMENT[name](r) }
   end
   table.sort(found, function(a, b)
      if a.at ~= b.at then return a.at < b.at end
      return a.name .. a.way < b.name .. b.way
   end)
   for _, one in ipairs(found) do add(rules, listener, number, one.way, one.at, one.name, one.arg) end
end

--- The rules of one round. `listeners` is a list of "plain" or "tls";
-- `severity` the share of connections that meet anything.
function script.rules(seed, round, listeners, severity)
   local rules = {}
   for index, kind in ipairs(listeners) do
      for number = 1, CONNECTIONS do
         local r = random.new(seed, round, "script", index, number)
         if r:chance(severity) then connection_rules(r, rules, index - 1, number, kind == "plain") end
      end
   end
   return rules
end

--- A rule as the proxy reads it.
function script.line(rule)
   return ("%d %d %s %d %s %d"):format(rule.listener, rule.connection, rule.way, rule.at, rule.name, rule.arg)
end

--- Whether a rule may have given a server bytes that it cannot read.
function script.garbles_requests(rules)
   for _, rule in ipairs(rules) do
      if rule.way == "c" and rule.name == "garbage" then return true end
   end
   return false
end

return script
