import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;

/** One text per line (with \n and \\ escaped) on stdin; its terms, joined by U+0001, on stdout. */
public final class Analyze {
  public static void main(String[] args) throws Exception {
    Analyzer analyzer = EnglishChain.analyzer();
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String text = line.translateEscapes();
      var joined = new StringBuilder();
      try (TokenStream stream = analyzer.tokenStream("contents", text)) {
        var term = stream.addAttribute(CharTermAttribute.class);
        stream.reset();
        while (stream.incrementToken()) {
          if (joined.length() > 0) joined.append('\u0001');
          joined.append(term);
        }
        stream.end();
      }
      out.println(joined);
    }
    out.flush();
  }
}
