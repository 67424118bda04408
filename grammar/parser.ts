// The grammar. In: tokens whose brackets nest. Out: a concrete tree, the exceptions met, and the tokens no rule could use.
// Each rule has its line of the grammar above it. What is no part of the language, but is read so that what follows survives
// and can be named, is marked `mistake`. Newlines mean nothing, except that a value starts on the line of its `=`.

import { EOF } from "chevrotain";
import { equalsLike, isComma, RecoveringParser, startsEntry, startsItem } from "./recover.js";
import { isName, markTokens as mark, Name, NumberToken, StringToken, startsExpression, wordTokens as word } from "./tokens.js";

export class Parser extends RecoveringParser {
  constructor() {
    super();
    this.performSelfAnalysis();
  }

  // file = { import | item }
  file = this.rule("file", () => {
    this.MANY({
      GATE: () => this.skipTo("file", (token) => startsItem(token) || token.tokenType === word.import),
      MAX_LOOKAHEAD: 1,
      DEF: () => this.OR([{ ALT: () => this.SUBRULE(this.import) }, { ALT: () => this.SUBRULE(this.item) }]),
    });
    this.CONSUME(EOF);
  });

  // import = "import" name { "," name } "from" string
  import = this.rule("import", () => {
    this.CONSUME(word.import);
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.CONSUME(Name) });
    this.CONSUME(word.from);
    this.CONSUME(StringToken);
  });

  // item = binding | section | repeat | result
  item = this.rule("item", () => {
    this.OR({
      MAX_LOOKAHEAD: 1,
      DEF: [
        { ALT: () => this.SUBRULE(this.repeat) },
        { ALT: () => this.SUBRULE(this.result) },
        { GATE: () => this.sectionAhead(), ALT: () => this.SUBRULE(this.section), IGNORE_AMBIGUITIES: true },
        // mistake: `print(x)`
        {
          GATE: () => this.LA(2).tokenType === mark.LParen,
          ALT: () => this.SUBRULE(this.postfix, { LABEL: "lone" }),
          IGNORE_AMBIGUITIES: true,
        },
        { ALT: () => this.SUBRULE(this.binding), IGNORE_AMBIGUITIES: true },
      ],
    });
  });

  // binding = path { "," path } "=" expr
  binding = this.rule("binding", () => {
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.path) });
    // mistake: `top k = 200`
    this.MANY({ GATE: () => this.wordsBefore(equalsLike), DEF: () => this.CONSUME(Name, { LABEL: "extra" }) });
    this.SUBRULE(this.assign);
    this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
  });

  // assign = "="
  assign = this.rule("assign", () => {
    this.OR({
      MAX_LOOKAHEAD: 1,
      DEF: [
        { ALT: () => this.CONSUME(mark.Equals) },
        // mistake: `dim: 384`, `dim == 384`, `dim 384`
        { ALT: () => this.CONSUME(mark.Colon, { LABEL: "wrong" }) },
        { ALT: () => this.CONSUME(mark.EqualEqual, { LABEL: "wrong" }) },
        { ALT: () => {} },
      ],
    });
  });

  // path = name { "." name }
  path = this.rule("path", () => {
    this.AT_LEAST_ONE_SEP({ SEP: mark.Dot, DEF: () => this.CONSUME(Name) });
  });

  // section = name [ name ] [ signature ] body
  section = this.rule("section", () => {
    this.CONSUME(Name, { LABEL: "keyword" });
    this.OPTION1(() => this.CONSUME1(Name, { LABEL: "name" }));
    // mistake: `sampler my sampler {`, `sampler "play" {`
    this.MANY(() => this.OR([{ ALT: () => this.CONSUME2(Name, { LABEL: "extra" }) }, { ALT: () => this.CONSUME(StringToken) }]));
    this.OPTION2(() => this.SUBRULE(this.signature));
    this.ACTION(() => this.skipTo("section", (token) => token.tokenType === mark.LBrace || !this.valueOnLine()));
    this.SUBRULE(this.body);
  });

  // body = "{" { item } "}"
  body = this.rule("body", () => {
    this.CONSUME(mark.LBrace);
    this.MANY({ GATE: () => this.skipTo("body", startsItem), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.item) });
    this.CONSUME(mark.RBrace);
  });

  // signature = "(" [ parameter { "," parameter } ] ")" [ "->" type { "," type } ]
  signature = this.rule("signature", () => {
    this.CONSUME(mark.LParen);
    this.ACTION(() => this.skipTo("signature", isName));
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.parameter) });
    this.CONSUME(mark.RParen);
    this.OPTION(() => {
      this.CONSUME(mark.Arrow);
      this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.type) });
    });
  });

  // parameter = name [ ":" type ] [ "=" expr ]
  parameter = this.rule("parameter", () => {
    this.ACTION(() => this.skipTo("signature", (token) => isName(token) || isComma(token)));
    this.CONSUME(Name);
    this.OPTION1(() => {
      this.CONSUME(mark.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(mark.Equals);
      this.OPTION3({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
    });
    this.ACTION(() => this.skipTo("signature", isComma));
  });

  // type = name [ shape ] | shape
  type = this.rule("type", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Name);
          this.OPTION(() => this.SUBRULE1(this.shape));
        },
      },
      { ALT: () => this.SUBRULE2(this.shape) },
      // mistake: `x:`, `->`
      { ALT: () => {} },
    ]);
  });

  // shape = "[" [ dim { "," dim } ] "]"
  shape = this.rule("shape", () => {
    this.CONSUME(mark.LBracket);
    this.ACTION(() => this.skipTo("shape", (token) => startsExpression(token) || token.tokenType === mark.Ellipsis));
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.dim) });
    this.CONSUME(mark.RBracket);
  });

  // dim = "..." | expr
  dim = this.rule("dim", () => {
    this.ACTION(() => this.skipToValue(mark.Ellipsis));
    this.OR([{ ALT: () => this.CONSUME(mark.Ellipsis) }, { ALT: () => this.SUBRULE(this.expr) }]);
    this.ACTION(() => this.skipTo("shape", isComma));
  });

  // repeat = "repeat" expr [ "as" name ] body
  repeat = this.rule("repeat", () => {
    this.CONSUME(word.repeat);
    this.SUBRULE(this.expr);
    this.OPTION(() => {
      this.CONSUME(word.as);
      this.CONSUME(Name);
    });
    this.SUBRULE(this.body);
  });

  // result = "return" expr { "," expr }
  result = this.rule("result", () => {
    this.CONSUME(word.return);
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.expr) });
  });

  // expr = "if" cmp "then" expr "else" expr | cmp
  expr = this.rule("expr", () => {
    this.ACTION(() => this.skipToValue());
    this.OR([
      {
        ALT: () => {
          this.CONSUME(word.if);
          this.SUBRULE1(this.cmp);
          // mistake: `if a = b then`
          this.OPTION3(() => {
            this.CONSUME(mark.Equals);
            this.SUBRULE5(this.cmp, { LABEL: "compared" });
          });
          // mistake: no `then`, no `else`
          this.OPTION1(() => this.CONSUME(word.then));
          this.SUBRULE2(this.expr, { LABEL: "whenTrue" });
          this.OPTION2(() => {
            this.CONSUME(word.else);
            this.SUBRULE3(this.expr, { LABEL: "whenFalse" });
          });
        },
      },
      { ALT: () => this.SUBRULE4(this.cmp) },
    ]);
  });

  // cmp = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
  cmp = this.rule("cmp", () => {
    this.SUBRULE1(this.sum, { LABEL: "operand" });
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.EqualEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.NotEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Less, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.LessEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Greater, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.GreaterEqual, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.sum, { LABEL: "operand" });
    });
  });

  // sum = product { ("+" | "-") product }
  sum = this.rule("sum", () => {
    this.SUBRULE1(this.product, { LABEL: "operand" });
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.Plus, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Minus, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.product, { LABEL: "operand" });
    });
  });

  // product = unary { ("*" | "/" | "%") unary }
  product = this.rule("product", () => {
    this.SUBRULE1(this.unary, { LABEL: "operand" });
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.Star, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Slash, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Percent, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.unary, { LABEL: "operand" });
    });
  });

  // unary = [ "-" ] postfix
  unary = this.rule("unary", () => {
    this.OPTION(() => this.CONSUME(mark.Minus));
    this.SUBRULE(this.postfix);
  });

  // postfix = atom { member | call | index }
  postfix = this.rule("postfix", () => {
    this.SUBRULE(this.atom);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.member, { LABEL: "suffix" }) },
        { ALT: () => this.SUBRULE(this.call, { LABEL: "suffix" }) },
        { ALT: () => this.SUBRULE(this.index, { LABEL: "suffix" }) },
      ]);
    });
  });

  // member = "." name
  member = this.rule("member", () => {
    this.CONSUME(mark.Dot);
    // mistake: `x.` before an item
    this.OPTION({ GATE: () => !this.newItem(), DEF: () => this.CONSUME(Name) });
  });

  // call = "(" [ argument { "," argument } ] ")"
  call = this.rule("call", () => {
    this.CONSUME(mark.LParen);
    this.ACTION(() => this.skipTo("call", startsExpression));
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.argument) });
    this.CONSUME(mark.RParen);
  });

  // argument = [ name "=" ] expr
  argument = this.rule("argument", () => {
    this.ACTION(() => this.skipToValue());
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Name);
          this.CONSUME(mark.Equals);
          this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE1(this.expr) });
        },
      },
      { ALT: () => this.SUBRULE2(this.expr) },
    ]);
    this.ACTION(() => this.skipTo("call", isComma));
  });

  // index = "[" slice { "," slice } "]"
  index = this.rule("index", () => {
    this.CONSUME(mark.LBracket);
    this.ACTION(() => this.skipTo("index", (token) => startsExpression(token) || token.tokenType === mark.Colon));
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.slice) });
    this.CONSUME(mark.RBracket);
  });

  // slice = [ expr ] [ ":" [ expr ] ]
  slice = this.rule("slice", () => {
    this.ACTION(() => this.skipToValue(mark.Colon));
    this.OR([
      {
        ALT: () => {
          this.SUBRULE1(this.expr, { LABEL: "start" });
          this.OPTION1(() => {
            this.CONSUME1(mark.Colon);
            this.OPTION2(() => this.SUBRULE2(this.expr, { LABEL: "stop" }));
          });
        },
      },
      {
        ALT: () => {
          this.CONSUME2(mark.Colon);
          this.OPTION3(() => this.SUBRULE3(this.expr, { LABEL: "stop" }));
        },
      },
    ]);
    this.ACTION(() => this.skipTo("index", isComma));
  });

  // atom = number | string | "true" | "false" | name | list | record | "(" expr ")"
  atom = this.rule("atom", () => {
    this.ACTION(() => this.skipToValue());
    this.OR([
      { ALT: () => this.CONSUME(NumberToken) },
      { ALT: () => this.CONSUME(StringToken) },
      { ALT: () => this.CONSUME(word.true) },
      { ALT: () => this.CONSUME(word.false) },
      { GATE: () => !this.newItem(), ALT: () => this.CONSUME(Name) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.record) },
      {
        ALT: () => {
          this.CONSUME(mark.LParen);
          this.SUBRULE(this.expr);
          this.ACTION(() => this.skipTo("atom", () => false));
          this.CONSUME(mark.RParen);
        },
      },
    ]);
  });

  // list = "[" [ expr ( "for" name "in" expr | { "," expr } ) ] "]"
  list = this.rule("list", () => {
    this.CONSUME(mark.LBracket);
    this.ACTION(() => this.skipTo("list", startsExpression));
    this.OPTION(() => {
      this.SUBRULE1(this.expr, { LABEL: "item" });
      this.ACTION(() => this.skipTo("list", (token) => isComma(token) || token.tokenType === word.for));
      this.OR([
        {
          ALT: () => {
            this.CONSUME(word.for);
            this.CONSUME(Name);
            this.CONSUME(word.in);
            this.SUBRULE2(this.expr, { LABEL: "over" });
          },
        },
        {
          ALT: () =>
            this.MANY(() => {
              this.CONSUME(mark.Comma);
              this.SUBRULE3(this.expr, { LABEL: "item" });
              this.ACTION(() => this.skipTo("list", isComma));
            }),
        },
      ]);
    });
    this.ACTION(() => this.skipTo("list", () => false));
    this.CONSUME(mark.RBracket);
  });

  // record = "{" { entry [ "," ] } "}"
  record = this.rule("record", () => {
    this.CONSUME(mark.LBrace);
    this.MANY({
      GATE: () => this.skipTo("record", startsEntry),
      MAX_LOOKAHEAD: 1,
      DEF: () => {
        this.SUBRULE(this.entry);
        this.OPTION(() => this.CONSUME(mark.Comma));
      },
    });
    this.CONSUME(mark.RBrace);
  });

  // entry = (path | string) "=" expr
  entry = this.rule("entry", () => {
    this.OR([{ ALT: () => this.SUBRULE(this.path) }, { ALT: () => this.CONSUME(StringToken) }]);
    this.SUBRULE(this.assign);
    this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
  });

  // hole = expr
  hole = this.rule("hole", () => {
    this.SUBRULE(this.expr);
    this.ACTION(() => this.skipTo("hole", () => false));
    this.CONSUME(EOF);
  });
}
