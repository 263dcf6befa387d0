--- topaz-status list: the statuses as they come, none of them kept unless they are to be sorted.
local arguments = require "topaz.cli.arguments"
local json = require "topaz.cli.json"
local new_counter = require "topaz.cli.counter"
local new_sorter = require "topaz.cli.sorter"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local select = require "topaz.cli.select"

local PAGE = 100 -- statuses at most

-- The order that was asked for: a member and whether the greatest comes first; nil: none.
local function order_of(args)
   if not args.sort then
      if args.reverse then problem.usage("--reverse needs --sort", "add --sort MEMBER") end
      return nil
   end
   if args.resume then
      problem.usage("--sort needs the whole list and --resume reads the rest of one", "leave one of them out")
   end
   local minus, member = args.sort:match "^(%-?)(.*)$"
   return member, (minus == "-") ~= (args.reverse == true)
end

-- The members to read, and among them the one to sort by.
local function fields_of(shell, member)
   local fields = output.fields(shell.args, shell.is_tty)
   return fields and member and { member, table.unpack(fields) } or fields
end

-- A few statuses of all need no more than one small page.
local function page_of(args, member)
   if not args.limit or args.limit > PAGE or member or select.where(args) then return {} end
   return { limit = not args.resume and args.limit or nil, prefetch = 0 }
end

local Reading = {}
Reading.__index = Reading

-- Writes a status, or keeps it to be sorted. true: it was the last one that was wanted.
function Reading:take(status)
   if self.sorter then
      self.found = self.found + 1
      self.sorter:add(status)
      return false
   end
   self.behind = self.cursor:token()
   self.writer.add(status)
   return self.found == self.limit
end

-- A status has been written.
function Reading:noted()
   if self.sorter then return end
   self.found, self.token = self.found + 1, self.behind
end

-- Reads the list to its end, or to the limit.
function Reading:run()
   for status in self.counter:each(self.cursor) do
      if self:take(status) then break end
   end
   if self.sorter then
      for status in self.sorter:each() do self.writer.add(status) end
   end
end

-- How to go on behind the statuses that were written; nil: there is nothing to go on with.
function Reading:resume()
   if not self.token or self.found == self.limit then return nil end
   return self.shell:again(self.token, { limit = self.limit and self.limit - self.found })
end

-- However it ends: the statuses that the token has behind it have been written.
function Reading:__close()
   self.counter:close()
   self.writer.stop()
end

local function run(shell)
   local args = shell.args
   local member, descending = order_of(args)
   local cursor <close> = select.cursor(shell, fields_of(shell, member), page_of(args, member))
   local self = setmetatable({
      shell = shell, cursor = cursor, limit = args.limit, found = 0, token = args.resume,
      sorter = member and new_sorter(member, descending, args.limit), counter = new_counter(shell),
   }, Reading)
   self.writer = output.writer(shell, { noted = function() self:noted() end })
   local reading <close> = self -- luacheck: ignore 211
   shell.resume = function() return self:resume() end
   self:run()
   self.writer.finish()
   shell.resume = nil
   if self.found == 0 and output.form(args, shell.is_tty) == "table" then output.write "no statuses match\n" end
end

return {
   name = "list",
   summary = "List statuses.",
   description = "List statuses, the newest first: on a terminal as a table that fits it, otherwise one line per "
      .. "status, with tabs between its members.",
   examples = [[
topaz-status list --status Failed --newer-than 24h
topaz-status list --where 'progress>=50' --sort progress --reverse --limit 20
topaz-status list --csv --fields process_id,filename,credits >statuses.csv
topaz-status list --jsonl | jq .filename]],
   arguments = function(command)
      arguments.filters(command)
      arguments.formats(command, "table on a terminal, else tabs")
      command:group("Order and number",
         arguments.offers(command:option("--sort", "In the order of this member, the least first; those without it "
            .. "come last. The whole list is read first; all that match are held in memory, with --limit N some 2 N.")
            :argname "MEMBER":convert(arguments.member), json.MEMBERS),
         command:flag("--reverse", "With --sort: the greatest first."),
         command:option("--limit", "At most N statuses."):argname "N":convert(options.integer(1)),
         command:option("--resume", "Resume after TOKEN (printed when a list is interrupted). With --csv the header "
            .. "is then left out, so that the output can be appended."):argname "TOKEN")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
