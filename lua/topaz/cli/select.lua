--- Which statuses a command looks at: from its options to a cursor.
local core = require "topaz.core"
local dates = require "topaz.cli.dates"
local problem = require "topaz.cli.problem"

local select = {}

local BOUNDS = { [">"] = "above", [">="] = "min", ["<"] = "below", ["<="] = "max" }
local TIGHTER = { above = math.max, min = math.max, below = math.min, max = math.min }

local function seconds_of(value, utc)
   return type(value) == "table" and dates.unix(value, utc) or value
end

-- Makes a bound of a range at least as tight as this.
local function bound(range, name, value)
   range[name] = range[name] and TIGHTER[name](range[name], value) or value
end

-- What has been said of a member: the values that it may have, and all else as `where` wants it.
local function of_member(said, member)
   said[member] = said[member] or { allowed = {}, rest = {} }
   return said[member]
end

local function add(said, args, one)
   local about, value = of_member(said, one.member), seconds_of(one.value, args.utc)
   if one.comparison == "=" then
      table.insert(about.allowed, value)
   elseif one.comparison == "!=" then
      about.rest.except = about.rest.except or {}
      table.insert(about.rest.except, value)
   else
      bound(about.rest, BOUNDS[one.comparison], value)
   end
end

local function add_age(said, args)
   local rest = of_member(said, "modification_time").rest
   local newer, older = args.newer_than, args.older_than
   if type(newer) == "table" then bound(rest, "min", dates.unix(newer, args.utc)) else rest.newer_than = newer end
   if type(older) == "table" then bound(rest, "max", dates.unix(older, args.utc)) else rest.older_than = older end
end

--- The words of --status, which may be given several times.
-- @treturn table|nil nil: it was not given
function select.words(args)
   local all = {}
   for _, list in ipairs(args.status or {}) do table.move(list, 1, #list, #all + 1, all) end
   return #all > 0 and all or nil
end

--- Seconds before now that --newer-than or --older-than mean, 0 at least; nil: it was not given.
function select.seconds_ago(value, utc)
   return type(value) == "table" and math.max(0, core.wall() - dates.unix(value, utc)) or value
end

--- What the options say of members, as the library's `where`.
-- @tparam table args
-- @tparam[opt=false] boolean others without --status, --newer-than and --older-than
-- @treturn table|nil nil: they say nothing
function select.where(args, others)
   local said, where = {}, {}
   for _, model in ipairs(args.model or {}) do table.insert(of_member(said, "model").allowed, model) end
   for _, one in ipairs(args.where or {}) do add(said, args, one) end
   if not others then
      for _, word in ipairs(select.words(args) or {}) do table.insert(of_member(said, "status").allowed, word) end
      if args.newer_than or args.older_than then add_age(said, args) end
   end
   for member, about in pairs(said) do
      if #about.allowed > 0 and next(about.rest) then
         problem.usage(("%s has both alternatives and limits"):format(member),
            "use = alone, or only != > >= < <=")
      end
      where[member] = #about.allowed > 0 and about.allowed or about.rest
   end
   return next(where) and where or nil
end

--- A cursor over the chosen statuses.
-- @param shell
-- @tparam table|nil fields members to read; nil: all
-- @tparam[opt] table more options of client:statuses
function select.cursor(shell, fields, more)
   local args, client = shell.args, shell:client()
   local o = { where = select.where(args), fields = fields, resume = args.resume }
   for name, value in pairs(more or {}) do o[name] = value end
   return shell:checked(client.statuses, client, o)
end

return select
