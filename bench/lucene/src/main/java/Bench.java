import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.SortedDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.similarities.BM25Similarity;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * Indexes a corpus (one document per line: id, tab, text with \n and \\ escaped) into one segment and answers
 * queries (one per line), single-threaded, as pyserini's searcher does. The ranking goes to a file, the median and
 * 95th percentile of each query's median time over several rounds to stdout as JSON.
 *
 * <p>Usage: Bench CORPUS QUERIES INDEX RANKING K ROUNDS
 */
public final class Bench {
  private static final String FIELD = "contents";

  public static void main(String[] args) throws Exception {
    Path corpus = Path.of(args[0]);
    List<String> queries = Files.readAllLines(Path.of(args[1]), StandardCharsets.UTF_8);
    Path folder = Path.of(args[2]);
    int k = Integer.parseInt(args[4]);
    int rounds = Integer.parseInt(args[5]);
    long built = System.nanoTime();
    if (!Files.exists(folder)) index(corpus, folder);
    built = System.nanoTime() - built;

    try (var directory = new MMapDirectory(folder);
        var reader = DirectoryReader.open(directory)) {
      var searcher = new IndexSearcher(reader);
      searcher.setSimilarity(new BM25Similarity(0.9f, 0.4f));
      searcher.setQueryCache(null);
      double[][] times = new double[queries.size()][rounds];
      for (int round = 0; round < rounds; round++) {
        for (int q = 0; q < queries.size(); q++) {
          long start = System.nanoTime();
          searcher.search(bagOfWords(queries.get(q)), k).scoreDocs.clone();
          times[q][round] = (System.nanoTime() - start) / 1e6;
        }
      }
      // Some more than k are listed, so that a tie at the k-th place can be told from a wrong order.
      try (var out = new PrintStream(args[3], StandardCharsets.UTF_8)) {
        var fields = reader.storedFields();
        for (String text : queries) {
          var line = new StringBuilder();
          for (ScoreDoc hit : searcher.search(bagOfWords(text), 2 * k).scoreDocs) {
            line.append(fields.document(hit.doc).get("id")).append(' ').append(hit.score).append('\t');
          }
          out.println(line);
        }
      }
      double[] best = new double[queries.size()];
      for (int q = 0; q < best.length; q++) {
        java.util.Arrays.sort(times[q]);
        best[q] = times[q][rounds / 2];
      }
      java.util.Arrays.sort(best);
      System.out.printf(
          "{\"documents\":%d,\"median\":%.4f,\"p95\":%.4f,\"indexSeconds\":%.1f,\"version\":\"%s\"}%n",
          reader.numDocs(),
          best[best.length / 2],
          best[(int) (best.length * 0.95)],
          built / 1e9,
          org.apache.lucene.util.Version.LATEST);
    }
  }

  private static void index(Path corpus, Path folder) throws IOException {
    var config = new IndexWriterConfig(EnglishChain.analyzer());
    config.setSimilarity(new BM25Similarity(0.9f, 0.4f));
    config.setRAMBufferSizeMB(512);
    try (var directory = new MMapDirectory(folder);
        var writer = new IndexWriter(directory, config);
        BufferedReader in = Files.newBufferedReader(corpus, StandardCharsets.UTF_8)) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int tab = line.indexOf('\t');
        String id = line.substring(0, tab);
        var document = new Document();
        document.add(new StringField("id", id, Field.Store.YES));
        document.add(new SortedDocValuesField("id", new BytesRef(id)));
        document.add(new TextField(FIELD, line.substring(tab + 1).translateEscapes(), Field.Store.NO));
        writer.addDocument(document);
      }
      writer.forceMerge(1);
    }
  }

  /** An OR of all terms, repeated ones weighted by their count: Anserini's bag-of-words query. */
  private static Query bagOfWords(String text) throws IOException {
    Map<String, Integer> counts = new LinkedHashMap<>();
    try (TokenStream stream = EnglishChain.SHARED.tokenStream(FIELD, text)) {
      var term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) counts.merge(term.toString(), 1, Integer::sum);
      stream.end();
    }
    var query = new BooleanQuery.Builder();
    for (var entry : counts.entrySet()) {
      Query clause = new TermQuery(new Term(FIELD, entry.getKey()));
      if (entry.getValue() > 1) clause = new BoostQuery(clause, entry.getValue());
      query.add(clause, BooleanClause.Occur.SHOULD);
    }
    return query.build();
  }
}
